#include "server/transport/machine.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <thread>

#include "absl/synchronization/mutex.h"

#include "fmt/format.h"

namespace gradus {
namespace {

std::string FirstLineOf(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The quota of this process's cgroup, in the form of cgroup v2. In a container the own group is the
// root of what can be seen.
std::string CpuQuota() {
  std::string quota = FirstLineOf("/sys/fs/cgroup/cpu.max");
  if (!quota.empty()) return quota;
  const std::string v1 = FirstLineOf("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  if (v1.empty()) return "";
  return fmt::format("{} {}", v1, FirstLineOf("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
}

}  // namespace

int CoresWithin(int cores, const std::string& cpu_max) {
  std::istringstream text(cpu_max);
  double quota = 0;
  double period = 0;
  // "max" is no number; cgroup v1 says -1 for the same.
  if (!(text >> quota >> period) || quota <= 0 || period <= 0) return std::max(1, cores);
  const double allowed = std::ceil(quota / period);
  return std::max(1, allowed < cores ? static_cast<int>(allowed) : cores);
}

int AvailableCores() {
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) cores = CPU_COUNT(&set);
  return CoresWithin(cores, CpuQuota());
}

int64_t RaiseFileLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlimit raised = {limit.rlim_max, limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return static_cast<int64_t>(limit.rlim_cur);
}

void ForbidCoreFiles() {
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

void SkipDeadlockDetection() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

}  // namespace gradus
