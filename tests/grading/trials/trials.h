#ifndef GRADUS_TESTS_GRADING_TRIALS_TRIALS_H_
#define GRADUS_TESTS_GRADING_TRIALS_TRIALS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/v1/grade.pb.h"
#include "server/grading/assignment.h"
#include "tests/grading/trials/networks.h"
#include "tests/grading/trials/student.h"

namespace gradus::testing {

// A network and an assignment about it: one that asks for everything, unless another is given.
class Subject {
 public:
  explicit Subject(TrialNetwork network);
  Subject(TrialNetwork network, const v1::Assignment& assignment);

  const TrialNetwork& network() const { return network_; }
  const CompiledAssignment& assignment() const { return assignment_; }
  const CompiledProblem& problem() const { return *assignment_.problems().front().problem; }

  v1::GradeReport Grade(const v1::Submission& submission) const;
  v1::GradeReport Grade(const Work& work) const { return Grade(Submit(work)); }
  // Where a mistake can be made.
  std::vector<Plant> PlacesOf(const PlantedMistake& mistake, Random& random) const;

 private:
  TrialNetwork network_;
  CompiledAssignment assignment_;
};

// What a report holds against right work; empty if nothing.
std::string AccusationIn(const v1::GradeReport& report);

// What grading says of work with one planted mistake.
enum class Outcome {
  kNamedAlone,
  kTied,      // named among others that cannot be told apart from it
  kUnnamed,   // its place is found, and nothing said
  kMisnamed,  // its place is found, and another mistake named
  kMissed,    // its place is not found, or not alone
  kDrowned,   // inside the window of its line
};

struct Judgement {
  Outcome outcome;
  std::vector<std::string> codes;  // named
};

Judgement JudgePlanted(const v1::GradeReport& report, const std::string& address,
                       std::string_view code);

// Leaves lines out as long as the fault stays.
Work Shrunk(Work work, const std::function<bool(const Work&)>& has_fault);

// A fault for people: network, what was handed in, what grading says.
std::string Describe(const Subject& subject, const Work& work);

struct RightTally {
  int64_t works = 0;
  int64_t accused = 0;
};

struct PlantedTally {
  std::map<Outcome, int64_t> outcomes;
  // What was named instead, or beside it, how often.
  std::map<std::string, int64_t> confused_with;

  int64_t Count(Outcome outcome) const;
  // Of works whose mistake is outside its window.
  int64_t visible() const;
};

struct Trials {
  int64_t networks = 0;
  std::map<std::string_view, RightTally> right;      // by style
  std::map<std::string_view, PlantedTally> planted;  // by mistake
  // Planted mistakes of two places at once: how many have both, and nothing else, as roots.
  int64_t pairs = 0;
  int64_t pairs_found = 0;
  std::vector<std::string> faults;  // the first few, shrunk: accused or missed

  PlantedTally AllPlanted() const;
};

// Runs everything on `count` networks of each kind: right work of all styles, and each mistake in
// up to `places` places.
Trials RunTrials(uint64_t seed, int count, int places);

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_GRADING_TRIALS_TRIALS_H_
