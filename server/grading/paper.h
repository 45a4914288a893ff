#ifndef GRADUS_SERVER_GRADING_PAPER_H_
#define GRADUS_SERVER_GRADING_PAPER_H_

#include <atomic>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "gradus/v1/grade.pb.h"
#include "server/grading/assignment.h"

namespace gradus {

// One number of a paper: what was written, and what became of it.
struct PaperElement {
  // Nothing that can be read: missing or malformed.
  std::optional<double> written;
  // How far the number that was found may be from the one that was written.
  double half_width = 0;
  v1::Verdict verdict = v1::VERDICT_MISSING;
  // Carried, but so that the earlier error hides everything: no credit.
  bool hollow = false;
  // A mistake that was made before, where only the first place is charged: credited like a carried
  // element.
  bool is_repeated = false;
  // The window tells little.
  bool weak = false;
  // What correct arithmetic makes of the correct numbers, and of all; and the ends of the window.
  double mended = std::nan("");
  double own = std::nan("");
  double low = std::nan("");
  double high = std::nan("");
};

// What a paper says to one item.
struct PaperItem {
  std::vector<PaperElement> elements;  // of the item's shape
  // Why it, or part of it, could not be read.
  std::string problem;
  std::vector<std::string> notes;
  // Judged already, by its formula: true or false. A right one stands for the key; a wrong one for
  // its value at the numbers that are given, handed in, or not asked for, or for no number where
  // that is not finite, or one that is asked for is missing: with numbers of the key in it, what
  // follows from it would tell them.
  std::optional<bool> formula_is_right;
};

// A submission that was read.
struct Paper {
  std::vector<PaperItem> items;
  std::vector<std::string> unexpected;
  bool gradable = true;
  // How far a number may have been off when it was used, for the unit that most numbers have: it
  // may have been rounded more coarsely than it is written.
  double usual_half_width = 0;
  // Its numbers have several units: nothing tells how coarsely a line was rounded that is not
  // handed in, but for what the assignment asks.
  bool has_mixed_units = false;
};

// Reads a submission; formulas are judged at once. Nothing in it is an error; CANCELLED is.
absl::StatusOr<Paper> ReadPaper(const CompiledAssignment& assignment,
                                const v1::Submission& submission,
                                const std::atomic<bool>& cancelled);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_PAPER_H_
