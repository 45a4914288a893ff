#include "tests/grading/trials/trials.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <set>
#include <span>
#include <stdexcept>
#include <utility>

#include "google/protobuf/text_format.h"

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "server/grading/grader.h"
#include "tests/grading/trials/mistakes.h"

namespace gradus::testing {
namespace {

constexpr size_t kMostFaults = 5;

CompiledAssignment Compiled(const v1::Assignment& assignment) {
  const std::atomic<bool> cancelled = false;
  absl::StatusOr<CompiledAssignment> compiled =
      CompiledAssignment::Compile(assignment, Limits(), cancelled);
  if (!compiled.ok()) throw std::runtime_error(compiled.status().ToString());
  return *std::move(compiled);
}

// The three ways to hand in work that mistakes are planted in.
constexpr std::array kPlantedStyles = {
    Style{.name = "float64", .arithmetic = Arithmetic::kFloat64},
    Style{.name = "float32", .arithmetic = Arithmetic::kFloat32},
    Style{.name = "3 decimals"},
};

// All the ways to be right.
constexpr std::array kRightStyles = {
    Style{.name = "float64", .arithmetic = Arithmetic::kFloat64},
    Style{.name = "float32", .arithmetic = Arithmetic::kFloat32},
    Style{.name = "3 decimals, half even"},
    Style{.name = "3 decimals, half up", .rounding = Rounding::kHalfUp},
    Style{.name = "3 decimals, half down", .rounding = Rounding::kHalfDown},
    Style{.name = "3 decimals, goes on unrounded", .uses_unrounded = true},
    Style{.name = "3 decimals, rounds products", .rounds_products = true},
    Style{.name = "3 decimals, hands in a part", .hands_in_a_part = true},
    Style{.name = "float64, hands in a part",
          .arithmetic = Arithmetic::kFloat64,
          .hands_in_a_part = true},
    Style{.name = "3 to 5 decimals", .most_decimals = 5},
    Style{.name = "3 to 5 decimals, goes on unrounded", .uses_unrounded = true, .most_decimals = 5},
    Style{.name = "3 to 5 decimals, hands in a part", .most_decimals = 5, .hands_in_a_part = true},
};

bool IsWrong(v1::Verdict verdict) {
  return verdict == v1::VERDICT_INCORRECT || verdict == v1::VERDICT_PARTLY_CORRECT;
}

// The places of all findings.
std::multiset<std::string> RootsIn(const v1::GradeReport& report) {
  std::multiset<std::string> roots;
  for (const v1::Finding& finding : report.findings()) {
    for (const v1::Place& place : finding.places()) roots.insert(place.quantity());
  }
  return roots;
}

// Runs all trials on one network after the other.
class Runner {
 public:
  Runner(uint64_t seed, int places) : random_(seed), places_(places) {}

  void Run(const Subject& subject) {
    ++trials_.networks;
    for (const Style& style : kRightStyles) RunRight(subject, style);
    for (const PlantedMistake& mistake : PlantedMistakes()) {
      std::vector<Plant> places = subject.PlacesOf(mistake, random_);
      for (int i = 0; i < places_ && !places.empty(); ++i) {
        const auto chosen = places.begin() + random_.Below(std::ssize(places));
        for (const Style& style : kPlantedStyles) RunPlanted(subject, style, *chosen);
        places.erase(chosen);
      }
    }
    RunPair(subject);
  }
  Trials Finish() { return std::move(trials_); }

 private:
  void RunRight(const Subject& subject, const Style& style) {
    const std::optional<Work> work = WorkOut(subject.problem(), style, random_, {});
    if (!work.has_value()) return;
    RightTally& tally = trials_.right[style.name];
    ++tally.works;
    if (AccusationIn(subject.Grade(*work)).empty()) return;
    ++tally.accused;
    AddFault(subject, *work, fmt::format("right work ({}) is accused", style.name),
             [&](const Work& w) { return !AccusationIn(subject.Grade(w)).empty(); });
  }

  void RunPlanted(const Subject& subject, const Style& style, const Plant& plant) {
    const bool by_hand = style.arithmetic == Arithmetic::kByHand;
    if (plant.mistake->needs_decimals && !by_hand) return;
    const std::optional<Work> work =
        WorkOut(subject.problem(), style, random_, std::span(&plant, 1));
    if (!work.has_value()) return;
    const std::string address = AddressOf(subject, plant);
    const std::string_view code = plant.mistake->code;
    const auto judge = [&](const Work& w) { return JudgePlanted(subject.Grade(w), address, code); };
    const Judgement judgement = judge(*work);
    PlantedTally& tally = trials_.planted[code];
    ++tally.outcomes[judgement.outcome];
    for (const std::string& other : judgement.codes) {
      if (other != code) ++tally.confused_with[other];
    }
    if (judgement.outcome == Outcome::kMissed) {
      AddFault(subject, *work, fmt::format("{} at {} ({}) is missed", code, address, style.name),
               [&](const Work& w) {
                 const bool has_mistake =
                     std::any_of(w.lines.begin(), w.lines.end(),
                                 [&](const Line& line) { return line.address == address; });
                 return has_mistake && judge(w).outcome == Outcome::kMissed;
               });
    }
  }

  // Mistakes in two places, by numbers of a program.
  void RunPair(const Subject& subject) {
    const std::span<const PlantedMistake> mistakes = PlantedMistakes();
    std::vector<Plant> plants;
    while (plants.size() < 2) {
      const PlantedMistake& mistake =
          mistakes[static_cast<size_t>(random_.Below(std::ssize(mistakes)))];
      std::vector<Plant> places = subject.PlacesOf(mistake, random_);
      if (places.empty() || mistake.is_slip || mistake.needs_decimals) continue;
      plants.push_back(places[static_cast<size_t>(random_.Below(std::ssize(places)))]);
    }
    const std::multiset<std::string> planted = {AddressOf(subject, plants[0]),
                                                AddressOf(subject, plants[1])};
    if (plants[0].update == plants[1].update && plants[0].quantity == plants[1].quantity) return;
    const std::optional<Work> work = WorkOut(subject.problem(), kPlantedStyles[0], random_, plants);
    if (!work.has_value()) return;
    ++trials_.pairs;
    if (RootsIn(subject.Grade(*work)) == planted) ++trials_.pairs_found;
  }

  static std::string AddressOf(const Subject& subject, const Plant& plant) {
    return subject.problem().plan().AddressOf(plant.quantity, plant.update);
  }

  void AddFault(const Subject& subject, const Work& work, const std::string& what,
                const std::function<bool(const Work&)>& has_fault) {
    if (trials_.faults.size() == kMostFaults) return;
    trials_.faults.push_back(fmt::format("{}, of {} lines shrunk to\n{}", what, work.lines.size(),
                                         Describe(subject, Shrunk(work, has_fault))));
  }

  Random random_;
  int places_;
  Trials trials_;
};

}  // namespace

Subject::Subject(TrialNetwork network)
    : network_(std::move(network)), assignment_(Compiled(AskForAll(network_.problem))) {}

Subject::Subject(TrialNetwork network, const v1::Assignment& assignment)
    : network_(std::move(network)), assignment_(Compiled(assignment)) {}

v1::GradeReport Subject::Grade(const v1::Submission& submission) const {
  const std::atomic<bool> cancelled = false;
  return *GradeSubmission(assignment_, submission, cancelled);
}

std::vector<Plant> Subject::PlacesOf(const PlantedMistake& mistake, Random& random) const {
  std::vector<Plant> places;
  for (int update = 0; update < problem().world_count(); ++update) {
    for (const Quantity& q : problem().order(update)) {
      const Tensor<double>& right = problem().TruthOf({q, update, std::nullopt});
      const Spot spot = {problem(), update, q, problem().truth(update), right, random};
      if (mistake.apply(spot).has_value()) places.push_back({&mistake, update, q});
    }
  }
  return places;
}

std::string AccusationIn(const v1::GradeReport& report) {
  for (const v1::ItemReport& item : report.items()) {
    if (item.verdict() != v1::VERDICT_CORRECT && item.verdict() != v1::VERDICT_MISSING) {
      return fmt::format("{}: {}", item.id(), v1::Verdict_Name(item.verdict()));
    }
    if (item.verdict() == v1::VERDICT_CORRECT && item.earned_points() != item.possible_points()) {
      return item.id() + ": points are missing";
    }
  }
  return report.findings().empty() ? "" : "there are findings";
}

Judgement JudgePlanted(const v1::GradeReport& report, const std::string& address,
                       std::string_view code) {
  Judgement judgement = {Outcome::kMissed, {}};
  std::set<std::string> wrong;
  for (const v1::ItemReport& item : report.items()) {
    if (IsWrong(item.verdict())) wrong.insert(item.id());
    // A line with nothing wrong in it is judged by its window: the mistake is inside.
    if (item.id() == address && item.verdict() == v1::VERDICT_CORRECT) {
      judgement.outcome = Outcome::kDrowned;
    }
  }
  if (judgement.outcome == Outcome::kDrowned) {
    return wrong.empty() ? judgement : Judgement{Outcome::kMissed, {}};
  }
  if (wrong != std::set<std::string>{address} || report.first_wrong_item() != address ||
      RootsIn(report) != std::multiset<std::string>{address}) {
    return judgement;
  }
  for (const v1::Mistake& mistake : report.findings(0).mistakes()) {
    judgement.codes.push_back(mistake.code());
  }
  const bool is_named =
      std::find(judgement.codes.begin(), judgement.codes.end(), code) != judgement.codes.end();
  judgement.outcome = judgement.codes.empty()       ? Outcome::kUnnamed
                      : !is_named                   ? Outcome::kMisnamed
                      : judgement.codes.size() == 1 ? Outcome::kNamedAlone
                                                    : Outcome::kTied;
  return judgement;
}

Work Shrunk(Work work, const std::function<bool(const Work&)>& has_fault) {
  for (size_t i = work.lines.size(); i-- > 0;) {
    Work smaller = work;
    smaller.lines.erase(smaller.lines.begin() + static_cast<std::ptrdiff_t>(i));
    if (has_fault(smaller)) work = std::move(smaller);
  }
  return work;
}

std::string Describe(const Subject& subject, const Work& work) {
  std::string problem;
  if (!google::protobuf::TextFormat::PrintToString(subject.network().problem, &problem)) {
    problem = "(too large)";
  }
  std::string text = fmt::format("network: {}\n{}\n", subject.network().kind, problem);
  for (const Line& line : work.lines) {
    text += fmt::format("{} = {}\n", line.address, fmt::join(line.numbers.values(), " "));
  }
  const v1::GradeReport report = subject.Grade(work);
  for (const v1::ItemReport& item : report.items()) {
    if (item.verdict() == v1::VERDICT_CORRECT || item.verdict() == v1::VERDICT_MISSING) continue;
    text +=
        fmt::format("{} is {}: expected {}, own {}, window {} to {}\n", item.id(),
                    v1::Verdict_Name(item.verdict()), fmt::join(item.expected().values(), " "),
                    fmt::join(item.own().values(), " "), fmt::join(item.window_low().values(), " "),
                    fmt::join(item.window_high().values(), " "));
  }
  for (const v1::Finding& finding : report.findings()) {
    text += finding.ShortDebugString() + "\n";
  }
  return text;
}

int64_t PlantedTally::Count(Outcome outcome) const {
  const auto found = outcomes.find(outcome);
  return found == outcomes.end() ? 0 : found->second;
}

int64_t PlantedTally::visible() const {
  int64_t count = 0;
  for (const auto& [outcome, times] : outcomes) count += outcome == Outcome::kDrowned ? 0 : times;
  return count;
}

PlantedTally Trials::AllPlanted() const {
  PlantedTally all;
  for (const auto& [code, tally] : planted) {
    for (const auto& [outcome, times] : tally.outcomes) all.outcomes[outcome] += times;
  }
  return all;
}

Trials RunTrials(uint64_t seed, int count, int places) {
  Runner runner(seed, places);
  for (TrialNetwork& network : TrialNetworks(seed, count)) {
    runner.Run(Subject(std::move(network)));
  }
  return runner.Finish();
}

}  // namespace gradus::testing
