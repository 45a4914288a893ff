#include "server/grading/assignment_store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "fmt/format.h"
#include "server/files/message_file.h"
#include "server/status/closest_name.h"
#include "server/status/field_error.h"
#include "server/status/text.h"

namespace gradus {
namespace {

// Of a name that somebody asks for, and of what is wrong with a file.
constexpr size_t kMaxNameBytes = 128;
constexpr size_t kMaxProblemBytes = 2000;

}  // namespace

std::vector<std::string> AssignmentStore::Read(const std::atomic<bool>& cancelled) {
  const std::lock_guard reading(reading_);
  const absl::StatusOr<std::vector<std::string>> paths = ListMessageFiles(options_.directory);
  if (!paths.ok()) return {std::string(paths.status().message())};
  if (paths->size() > options_.max_files) {
    return {fmt::format("{}: {} files, the limit is {}", options_.directory, paths->size(),
                        options_.max_files)};
  }
  std::vector<File> files;
  std::vector<std::string> problems;
  double bytes = 0;
  for (const std::string& path : *paths) {
    const auto before = by_path_.find(path);
    File& file = files.emplace_back(
        File{path, before == by_path_.end() ? nullptr : before->second, nullptr});
    absl::StatusOr<Assignment> assignment = ReadFile(path, file.before, cancelled);
    if (cancelled) return {};
    if (assignment.ok()) {
      file.now = *std::move(assignment);
    } else {
      KeepBefore(std::string(assignment.status().message()), file, problems);
    }
    if (file.now != nullptr) bytes += file.now->bytes();
    if (bytes > options_.max_bytes) {
      return {fmt::format(
          "{}: with it the assignments take about {:.0f} bytes or more, the limit is {:.0f}", path,
          bytes, options_.max_bytes)};
    }
  }
  KeepNamesApart(files, problems);
  Hold(files);
  return problems;
}

absl::StatusOr<AssignmentStore::Assignment> AssignmentStore::ReadFile(
    const std::string& path, const Assignment& before, const std::atomic<bool>& cancelled) const {
  absl::StatusOr<v1::Assignment> definition = ReadMessageFile<v1::Assignment>(path);
  if (!definition.ok()) return definition.status();
  const std::string binary = definition->SerializeAsString();
  if (before != nullptr && binary == before->definition().SerializeAsString()) return before;
  const auto max_bytes = static_cast<size_t>(options_.limits.max_request_bytes);
  if (binary.size() > max_bytes) {
    return absl::InvalidArgumentError(fmt::format("{}: {} bytes in binary form, the limit is {}",
                                                  path, binary.size(), max_bytes));
  }
  absl::StatusOr<CompiledAssignment> compiled =
      CompiledAssignment::Compile(*definition, options_.limits, cancelled);
  if (!compiled.ok()) {
    return absl::Status(compiled.status().code(),
                        fmt::format("{}: {}", path, std::string(compiled.status().message())));
  }
  return std::make_shared<const CompiledAssignment>(*std::move(compiled));
}

void AssignmentStore::KeepBefore(std::string problem, File& file,
                                 std::vector<std::string>& problems) {
  if (file.before != nullptr) problem += "; the version before it stays";
  problems.push_back(Printable(problem, kMaxProblemBytes));
  file.now = file.before;
}

void AssignmentStore::KeepNamesApart(std::vector<File>& files, std::vector<std::string>& problems) {
  // Whoever goes back to the version before it takes up its old name again, which another may have
  // got in the meantime. It ends because nobody goes back twice: with the old name it is the owner.
  for (bool is_clear = false; !is_clear;) {
    is_clear = true;
    std::map<std::string, std::vector<File*>> by_name;
    for (File& file : files) {
      if (file.now != nullptr) by_name[file.now->name()].push_back(&file);
    }
    for (const auto& [name, same] : by_name) {
      if (same.size() == 1) continue;
      is_clear = false;
      const auto owner = std::find_if(same.begin(), same.end(), [&name = name](const File* file) {
        return file->before != nullptr && file->before->name() == name;
      });
      for (auto file = same.begin(); file != same.end(); ++file) {
        if (file == owner) continue;
        const File& other = owner != same.end()    ? **owner
                            : file == same.begin() ? *same[1]
                                                   : *same[0];
        KeepBefore(fmt::format("{}: name '{}': {} has the same", (*file)->path, name, other.path),
                   **file, problems);
      }
    }
  }
}

void AssignmentStore::Hold(const std::vector<File>& files) {
  std::map<std::string, Assignment> by_path;
  std::map<std::string, Assignment> by_name;
  for (const File& file : files) {
    if (file.now == nullptr) continue;
    by_path.emplace(file.path, file.now);
    by_name.emplace(file.now->name(), file.now);
  }
  // What was held is freed after the lock, by the end of the maps' scope.
  const std::lock_guard lock(mutex_);
  by_path_.swap(by_path);
  by_name_.swap(by_name);
}

absl::StatusOr<std::shared_ptr<const CompiledAssignment>> AssignmentStore::Find(
    const std::string& name) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_name_.find(name); found != by_name_.end()) return found->second;
  }
  const std::vector<std::string> names = Names();
  const std::optional<std::string> closest = ClosestName(name, names);
  return FieldError(
      "", Reason::kNotFound,
      fmt::format("no assignment is named '{}'; {}", Printable(name, kMaxNameBytes),
                  names.empty()         ? "this server holds none"
                  : closest.has_value() ? fmt::format("the closest name is '{}'", *closest)
                                        : "ListAssignments has the names of those that there are"));
}

std::vector<std::string> AssignmentStore::Names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, assignment] : by_name_) names.push_back(name);
  return names;
}

}  // namespace gradus
