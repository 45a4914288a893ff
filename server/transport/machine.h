#ifndef GRADUS_SERVER_TRANSPORT_MACHINE_H_
#define GRADUS_SERVER_TRANSPORT_MACHINE_H_

#include <cstdint>
#include <string>

namespace gradus {

// How many threads can compute at once here: the cores that this process may run on, or fewer where
// a cgroup's quota (of a container) gives it less time. At least 1. A quota counts by its whole
// cores, rounded up: 1.5 is 2.
int AvailableCores();

// The same from the cores and the text of the quota: that of `cpu.max` (cgroup v2), "150000 100000"
// in microseconds of each period, or "max 100000". What cannot be read is no quota.
int CoresWithin(int cores, const std::string& cpu_max);

// Lets the process open as many files, and so hold as many connections, as it may. Returns how many
// that is.
int64_t RaiseFileLimit();

// No memory of this process, which holds keys and students' work, ends in a core file.
void ForbidCoreFiles();

// Debian's Abseil is a debug build: unless told not to, it keeps the order in which gRPC's threads
// take their locks, under one lock for all, and aborts at an order that could end in a deadlock.
void SkipDeadlockDetection();

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_MACHINE_H_
