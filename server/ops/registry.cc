#include "server/ops/registry.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.h"

// One line per op: the name of its message. Its file defines `const Op& <name>Op()`.
#define GRADUS_OPS(OP)             \
  OP(Dense)                        \
  OP(Add)                          \
  OP(Subtract)                     \
  OP(Multiply)                     \
  OP(Scale)                        \
  OP(MatMul)                       \
  OP(Sum)                          \
  OP(Mean)                         \
  OP(Divide)                       \
  OP(Power)                        \
  OP(Exp)                          \
  OP(Log)                          \
  OP(Sqrt)                         \
  OP(Abs)                          \
  OP(Negate)                       \
  OP(Maximum)                      \
  OP(Minimum)                      \
  OP(Clip)                         \
  OP(AddScalar)                    \
  OP(Identity)                     \
  OP(Sigmoid)                      \
  OP(Tanh)                         \
  OP(Relu)                         \
  OP(Softmax)                      \
  OP(LogSoftmax)                   \
  OP(Softplus)                     \
  OP(LeakyRelu)                    \
  OP(Elu)                          \
  OP(Selu)                         \
  OP(Gelu)                         \
  OP(Silu)                         \
  OP(Hardtanh)                     \
  OP(HardSigmoid)                  \
  OP(Prelu)                        \
  OP(Maxout)                       \
  OP(Softsign)                     \
  OP(Max)                          \
  OP(LogSumExp)                    \
  OP(Variance)                     \
  OP(Reshape)                      \
  OP(Flatten)                      \
  OP(Transpose)                    \
  OP(Concat)                       \
  OP(Slice)                        \
  OP(Stack)                        \
  OP(Broadcast)                    \
  OP(Einsum)                       \
  OP(BatchNorm)                    \
  OP(BatchNormInference)           \
  OP(LayerNorm)                    \
  OP(RmsNorm)                      \
  OP(GroupNorm)                    \
  OP(Dropout)                      \
  OP(Embedding)                    \
  OP(Conv1d)                       \
  OP(Conv2d)                       \
  OP(ConvTranspose2d)              \
  OP(MaxPool1d)                    \
  OP(MaxPool2d)                    \
  OP(AvgPool1d)                    \
  OP(AvgPool2d)                    \
  OP(GlobalAvgPool)                \
  OP(RnnCell)                      \
  OP(LstmCell)                     \
  OP(GruCell)                      \
  OP(Attention)                    \
  OP(HalfSquaredError)             \
  OP(SquaredError)                 \
  OP(CrossEntropy)                 \
  OP(CrossEntropyWithLogits)       \
  OP(BinaryCrossEntropy)           \
  OP(BinaryCrossEntropyWithLogits) \
  OP(AbsoluteError)                \
  OP(Huber)                        \
  OP(SmoothL1)                     \
  OP(NegativeLogLikelihood)        \
  OP(MulticlassHinge)              \
  OP(BinaryHinge)                  \
  OP(KlDivergence)                 \
  OP(CosineLoss)                   \
  OP(TripletLoss)                  \
  OP(L1Penalty)                    \
  OP(L2Penalty)                    \
  OP(ElasticNetPenalty)

namespace gradus {

#define GRADUS_DECLARE_OP(name) const Op& name##Op();
GRADUS_OPS(GRADUS_DECLARE_OP)
#undef GRADUS_DECLARE_OP

std::span<const Op* const> AllOps() {
#define GRADUS_LIST_OP(name) &name##Op(),
  static const Op* const kOps[] = {GRADUS_OPS(GRADUS_LIST_OP)};
#undef GRADUS_LIST_OP
  return kOps;
}

const Op* FindOp(v1::Node::OpCase op_case) {
  // Indexed by field number, so that a lookup costs no search.
  static const std::vector<const Op*>* const kByCase = [] {
    int largest = 0;
    for (const Op* op : AllOps()) largest = std::max<int>(largest, op->op_case);
    auto* by_case = new std::vector<const Op*>(static_cast<size_t>(largest) + 1, nullptr);
    for (const Op* op : AllOps()) (*by_case)[static_cast<size_t>(op->op_case)] = op;
    return by_case;
  }();
  const auto index = static_cast<size_t>(op_case);
  return index < kByCase->size() ? (*kByCase)[index] : nullptr;
}

std::string_view Op::name() const {
  const auto& name = v1::Node::descriptor()->FindFieldByNumber(op_case)->name();
  return {name.data(), name.size()};
}

}  // namespace gradus
