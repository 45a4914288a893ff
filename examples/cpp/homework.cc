// Grades submissions of the homework twice, in this process and on a server, and compares: the same
// library, the same report.
//
// Usage: homework ASSIGNMENT SUBMISSION SERVER, files in textproto

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <grpcpp/grpcpp.h>

#include "gradus/grading.h"
#include "gradus/v1/grading_service.grpc.pb.h"

namespace {

using gradus::v1::Assignment;
using gradus::v1::GradeReport;
using gradus::v1::Submission;

template <class Message>
Message Read(const std::string& path) {
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Message message;
  if (!file || !google::protobuf::TextFormat::ParseFromString(text, &message)) {
    throw std::runtime_error(path + " cannot be read");
  }
  return message;
}

GradeReport GradeHere(const Assignment& assignment, const Submission& submission) {
  // Make it once and grade as many as there are, from as many threads.
  const auto grader = gradus::AssignmentGrader::Create(assignment);
  if (!grader.ok()) throw std::runtime_error(grader.status().ToString());
  auto report = grader->Grade(submission);
  if (!report.ok()) throw std::runtime_error(report.status().ToString());
  return *std::move(report);
}

GradeReport GradeThere(const std::string& server, const Assignment& assignment,
                       const Submission& submission) {
  const auto stub = gradus::v1::GradingService::NewStub(
      grpc::CreateChannel(server, grpc::InsecureChannelCredentials()));
  gradus::v1::GradeRequest request;
  *request.mutable_assignment() = assignment;
  *request.mutable_submission() = submission;

  // Without a deadline, a program may wait forever for a server that is not there.
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  context.set_wait_for_ready(true);
  gradus::v1::GradeResponse response;
  const grpc::Status status = stub->Grade(&context, request, &response);
  if (!status.ok()) throw std::runtime_error(server + ": " + status.error_message());
  return response.report();
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) throw std::runtime_error("usage: homework ASSIGNMENT SUBMISSION SERVER");
  const auto assignment = Read<Assignment>(argv[1]);
  const auto submission = Read<Submission>(argv[2]);

  const GradeReport here = GradeHere(assignment, submission);
  std::cout << here.submission_id() << ": " << here.earned_points() << " / "
            << here.possible_points() << " points, first wrong step '" << here.first_wrong_item()
            << "'\n";
  const GradeReport there = GradeThere(argv[3], assignment, submission);
  if (!google::protobuf::util::MessageDifferencer::Equals(here, there)) {
    throw std::runtime_error("the server's report differs");
  }
  std::cout << "The server says the same.\n";
} catch (const std::exception& error) {
  std::cerr << "homework: " << error.what() << "\n";
  return 1;
}
