#ifndef GRADUS_CLIENT_GRADE_EACH_H_
#define GRADUS_CLIENT_GRADE_EACH_H_

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "client/connection.h"
#include "client/console.h"
#include "gradus/v1/assignment.pb.h"
#include "gradus/v1/grade.pb.h"

namespace gradus {

// An assignment, and the file that it was read from.
struct AssignmentFile {
  std::string path;
  v1::Assignment assignment;
};

// The level that reports of an assignment are cut to.
v1::FeedbackLevel LevelOf(const v1::Assignment& assignment);

// Receives the file of a submission and its reports, one by each assignment. They have an id: that
// of the submission, or its file where it has none.
using OnGraded =
    std::function<void(const std::string& file, std::span<const v1::GradeReport> reports)>;

// Grades submissions from files and folders (ListSubmissionFiles) by every assignment, cut to the
// least of `max_level` and the assignment's own level; many submissions at a time over one stream
// per assignment. A submission that cannot be graded is said on standard error, and keeps no other
// from its grade: the result is then kPartlyGraded. What concerns all of them, a folder, an
// assignment or the server, ends the run with its exit code.
ExitCode GradeEach(const std::vector<std::string>& submissions,
                   std::span<const AssignmentFile> assignments, v1::FeedbackLevel max_level,
                   const ConnectionOptions& connection_options, const OnGraded& on_graded);

}  // namespace gradus

#endif  // GRADUS_CLIENT_GRADE_EACH_H_
