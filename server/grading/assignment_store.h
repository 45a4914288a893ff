#ifndef GRADUS_SERVER_GRADING_ASSIGNMENT_STORE_H_
#define GRADUS_SERVER_GRADING_ASSIGNMENT_STORE_H_

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "server/engine/limits.h"
#include "server/grading/assignment.h"

namespace gradus {

// Where an AssignmentStore reads, and how much it takes.
struct AssignmentStoreOptions {
  // Each file in it that ListMessageFiles lists is an assignment.
  std::string directory;
  // Of each assignment, as if it were sent.
  Limits limits = {};
  // Files of the directory.
  size_t max_files = 1000;
  // CompiledAssignment::bytes of all together. While the directory is read again there may be twice
  // as many: what is held, and what takes its place.
  double max_bytes = 1024.0 * 1024 * 1024;
};

// The assignments that a server holds, compiled, by name. Safe from several threads at once:
//
//   AssignmentStore store({.directory = "assignments"});
//   const std::vector<std::string> problems = store.Read(cancelled);
//   const auto assignment = store.Find("homework");
//
// What Find has returned stays as it is, whatever the directory has become in the meantime.
class AssignmentStore {
 public:
  // Holds nothing until the first Read.
  explicit AssignmentStore(AssignmentStoreOptions options = {}) : options_(std::move(options)) {}

  // Reads the directory, for the first time or again, and returns what is wrong with it, a line for
  // each file: "assignments/a.txtpb: items[3].quantity 'dL/dw5': no input ...". From then on the
  // store holds
  // - what the files hold that are right. Those that have not changed are not compiled again;
  // - of a file that is wrong or cannot be read, the version that it held before, if any;
  // - nothing of a file that is gone.
  //
  // A name belongs to one file. If several have it, the one that had it before keeps it; the others
  // are wrong, all of them if none had it.
  //
  // If the directory as a whole cannot be read or is too large, or once `cancelled` is true,
  // nothing changes. Takes as long as compiling takes; calls to Find do not wait for it, other
  // calls of Read do.
  std::vector<std::string> Read(const std::atomic<bool>& cancelled);

  // The assignment of that name; never null. Unknown is a NOT_FOUND FieldError with no path, which
  // says which name is closest.
  absl::StatusOr<std::shared_ptr<const CompiledAssignment>> Find(const std::string& name) const;

  // All names, sorted.
  std::vector<std::string> Names() const;

 private:
  using Assignment = std::shared_ptr<const CompiledAssignment>;

  // What Read finds at a path.
  struct File {
    std::string path;
    Assignment before;  // what it held; null: nothing
    Assignment now;     // what it is to hold
  };

  absl::StatusOr<Assignment> ReadFile(const std::string& path, const Assignment& before,
                                      const std::atomic<bool>& cancelled) const;
  static void KeepBefore(std::string problem, File& file, std::vector<std::string>& problems);
  static void KeepNamesApart(std::vector<File>& files, std::vector<std::string>& problems);
  void Hold(const std::vector<File>& files);

  const AssignmentStoreOptions options_;
  std::mutex reading_;  // held by Read, which alone changes the maps

  mutable std::mutex mutex_;  // guards the maps
  std::map<std::string, Assignment> by_path_;
  std::map<std::string, Assignment> by_name_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_ASSIGNMENT_STORE_H_
