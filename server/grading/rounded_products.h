#ifndef GRADUS_SERVER_GRADING_ROUNDED_PRODUCTS_H_
#define GRADUS_SERVER_GRADING_ROUNDED_PRODUCTS_H_

#include "server/engine/graph.h"

namespace gradus {

// How many rounded products one element of a quantity sums when it is worked out by hand: the
// fan-in of a dense node, the fan-out for its input gradient, the batch for a weight gradient, the
// terms of a loss, one for a slope and for the product with it. At most 8. Students do round each
// of them before they add, so the last digits may be off by half a unit for each.
int RoundedProducts(const Graph& graph, int slot_count, const Quantity& q);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_ROUNDED_PRODUCTS_H_
