#ifndef GRADUS_TESTS_SUPPORT_RANDOM_H_
#define GRADUS_TESTS_SUPPORT_RANDOM_H_

#include <cstdint>
#include <random>

namespace gradus::testing {

// Random numbers that a seed decides, on every platform: the distributions of <random> are the
// library's choice, so a failure on one machine would not come back on another.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  // A double from `low` up to, not including, `high`.
  double Uniform(double low, double high) {
    const double unit = static_cast<double>(engine_() >> 11) * 0x1p-53;
    return low + (high - low) * unit;
  }
  // A number from `low` up to, not including, `high`, with a random sign. `low` is not negative.
  double UniformMagnitude(double low, double high) {
    const double magnitude = Uniform(low, high);
    return Below(2) == 0 ? magnitude : -magnitude;
  }
  // A whole number from 0 to count - 1. The bias of the remainder is far below what a test can see.
  int64_t Below(int64_t count) {
    return static_cast<int64_t>((engine_() >> 11) % static_cast<uint64_t>(count));
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_SUPPORT_RANDOM_H_
