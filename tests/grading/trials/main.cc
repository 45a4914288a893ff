// grading_trials [--seed N] [--networks N] [--update FILE]
//
// Tries grading on random networks, right work of many styles and planted mistakes, and prints what
// it says of them as the table of docs/grading.md. --update writes it there, between its marks.

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "CLI/CLI.hpp"
#include "fmt/format.h"
#include "tests/grading/trials/trials.h"

namespace gradus::testing {
namespace {

constexpr int kPlaces = 2;

double Percent(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string Row(std::string_view name, const PlantedTally& tally, std::string_view confused) {
  const int64_t visible = tally.visible();
  const int64_t found = visible - tally.Count(Outcome::kMissed);
  return fmt::format(
      "| {} | {} | {:.1f} | {:.1f} | {:.1f} | {:.1f} | {:.1f} | {} | {} |\n", name, visible,
      Percent(found, visible), Percent(tally.Count(Outcome::kNamedAlone), visible),
      Percent(tally.Count(Outcome::kTied), visible),
      Percent(tally.Count(Outcome::kUnnamed), visible),
      Percent(tally.Count(Outcome::kMisnamed), visible), tally.Count(Outcome::kDrowned), confused);
}

std::string Confusions(const PlantedTally& tally) {
  std::string text;
  for (const auto& [code, times] : tally.confused_with) {
    text += fmt::format("{}`{}` {}", text.empty() ? "" : ", ", code, times);
  }
  return text;
}

std::string Table(const Trials& trials, uint64_t seed) {
  std::string text = fmt::format(
      "{} random networks, seed {}.\n\n"
      "| right work | handed in | accused |\n| --- | ---: | ---: |\n",
      trials.networks, seed);
  RightTally all;
  for (const auto& [style, tally] : trials.right) {
    text += fmt::format("| {} | {} | {} |\n", style, tally.works, tally.accused);
    all.works += tally.works;
    all.accused += tally.accused;
  }
  text += fmt::format("| **all** | **{}** | **{}** |\n\n", all.works, all.accused);
  text +=
      "| planted mistake | trials | place found % | named alone % | named in a tie % | not named % "
      "| misnamed % | in the window | named beside it or instead, times |\n"
      "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n";
  for (const auto& [code, tally] : trials.planted) {
    text += Row(fmt::format("`{}`", code), tally, Confusions(tally));
  }
  text += Row("**all**", trials.AllPlanted(), "");
  text += fmt::format(
      "\nTwo mistakes at once, in float64: both places found, and nothing else, in {} of {}.\n",
      trials.pairs_found, trials.pairs);
  return text;
}

constexpr std::string_view kBegin = "<!-- grading_trials: begin -->\n";
constexpr std::string_view kEnd = "<!-- grading_trials: end -->\n";

bool Update(const std::string& path, const std::string& table) {
  std::ifstream in(path);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const size_t begin = text.find(kBegin);
  const size_t end = text.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) return false;
  const size_t first = begin + kBegin.size();
  text.replace(first, end - first, table);
  std::ofstream out(path);
  out << text;
  return static_cast<bool>(out);
}

int Main(int argc, char** argv) {
  CLI::App app("Tries grading on random networks and planted mistakes.");
  uint64_t seed = 1;
  int networks = 40;
  std::string update;
  app.add_option("--seed", seed);
  app.add_option("--networks", networks, "of each kind");
  app.add_option("--update", update, "file to write the tables to");
  CLI11_PARSE(app, argc, argv);
  const Trials trials = RunTrials(seed, networks, kPlaces);
  for (const std::string& fault : trials.faults) fmt::print(stderr, "{}\n", fault);
  const std::string table = Table(trials, seed);
  if (update.empty()) {
    fmt::print("{}", table);
  } else if (!Update(update, table)) {
    fmt::print(stderr, "{}: no place for the tables\n", update);
    return 1;
  }
  return trials.faults.empty() ? 0 : 1;
}

}  // namespace
}  // namespace gradus::testing

int main(int argc, char** argv) { return gradus::testing::Main(argc, argv); }
