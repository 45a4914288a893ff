#include "server/kernels/interruption.h"

#include <utility>

namespace gradus {
namespace {

constinit thread_local const InterruptionScope* innermost = nullptr;

}  // namespace

InterruptionScope::InterruptionScope(const std::atomic<bool>& cancelled)
    : InterruptionScope([&cancelled] { return cancelled.load(std::memory_order_relaxed); }) {}

InterruptionScope::InterruptionScope(std::function<bool()> is_cancelled)
    : is_cancelled_(std::move(is_cancelled)), around_(innermost) {
  innermost = this;
  internal::steps_left = 0;
}

InterruptionScope::~InterruptionScope() {
  innermost = around_;
  internal::steps_left = 0;
}

bool internal::Look() {
  if (innermost == nullptr) {
    steps_left = std::numeric_limits<int64_t>::max();
    return false;
  }
  if (innermost->is_cancelled()) {
    // Nothing more begins.
    steps_left = 0;
    return true;
  }
  steps_left = kStepsPerLook;
  return false;
}

}  // namespace gradus
