#ifndef GRADUS_SERVER_KERNELS_INTERRUPTION_H_
#define GRADUS_SERVER_KERNELS_INTERRUPTION_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>

namespace gradus {

// While it lives, what its thread computes can be interrupted: kernels, and ops that loop over
// numbers by themselves, look every so often whether they shall stop. If so they return soon, and
// what they were to write is unfinished. So whoever opens a scope looks at the flag after all that
// was computed in it, and throws that away if it is set.
//
//   const InterruptionScope scope(cancelled);
//   Tensor<T> value = ComputeValue(...);
//   if (cancelled) return absl::CancelledError(...);
//
// It belongs to the thread, which works for one request at a time, and not to each call, as it
// would else be an argument of everything that has a loop. Without a scope nothing is interrupted.
class InterruptionScope {
 public:
  // `cancelled` outlives the scope.
  explicit InterruptionScope(const std::atomic<bool>& cancelled);
  // `is_cancelled` is asked at each look.
  explicit InterruptionScope(std::function<bool()> is_cancelled);
  // The scope around this one, if there is any, counts again.
  ~InterruptionScope();
  InterruptionScope(const InterruptionScope&) = delete;
  InterruptionScope& operator=(const InterruptionScope&) = delete;

  bool is_cancelled() const { return is_cancelled_(); }

 private:
  const std::function<bool()> is_cancelled_;
  const InterruptionScope* const around_;
};

namespace internal {

// Of loops, between two looks: from microseconds to a tenth of a millisecond or so.
inline constexpr int64_t kStepsPerLook = 1 << 12;
// Of a loop that is not worth counting.
inline constexpr int64_t kUncountedSteps = 16;
// What this thread may do before the next look.
inline constinit thread_local int64_t steps_left = std::numeric_limits<int64_t>::max();

// Whether to stop; if not, the next look is kStepsPerLook later.
bool Look();

}  // namespace internal

// To be asked before so many steps of a loop, of some nanoseconds each. True: return now.
inline bool Interrupted(int64_t steps) {
  internal::steps_left -= steps;
  return internal::steps_left < 0 && internal::Look();
}

// Calls f(i) for each i from 0 to count - 1, or fewer if interrupted. Every loop over numbers is
// one of these, or asks Interrupted: also one inside of another, as either may be the long one.
template <class F>
void ForEachIndex(int64_t count, F f) {
  for (int64_t i = 0; i < count;) {
    int64_t end = count;
    if (count > internal::kUncountedSteps) {
      end = i + std::min(count - i, internal::kStepsPerLook);
      if (Interrupted(end - i)) return;
    }
    for (; i < end; ++i) f(i);
  }
}

}  // namespace gradus

#endif  // GRADUS_SERVER_KERNELS_INTERRUPTION_H_
