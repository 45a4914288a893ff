#ifndef GRADUS_CLIENT_GRADE_FILES_H_
#define GRADUS_CLIENT_GRADE_FILES_H_

#include <functional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "client/connection.h"
#include "gradus/v1/grading_service.grpc.pb.h"

namespace gradus {

// Takes what became of one file: its report, under the submission's own id, or why there is none,
// with a message that begins with the path.
using ReportSink =
    std::function<void(const std::string& file, const absl::StatusOr<v1::GradeReport>& report)>;

// Grades the submissions in `files` over GradeStream, against what `header` says. `sink` gets
// each of them once, on this thread, in the order of `files`, as soon as those before it are done.
// Ids need not be unique. Few files are ahead of the one that `sink` waits for, and so few reports
// are held, however many files there are.
//
// When the stream ends UNAVAILABLE, as when its server stops, what is not answered yet goes over
// another one, to the same server or another of the same name: for as long as submissions are
// answered, and then for some seconds more.
//
// Returns an error of the stream as a whole, which concerns all submissions: the server cannot be
// reached, gives no sign of life within the timeout of `connection`, or refuses the header. `sink`
// has then got the files that were done, and gets no others.
absl::Status GradeFiles(const Connection& connection, const v1::GradeStreamHeader& header,
                        std::span<const std::string> files, const ReportSink& sink);

}  // namespace gradus

#endif  // GRADUS_CLIENT_GRADE_FILES_H_
