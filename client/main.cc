// gradus: the command line. Flags and dispatch only.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"
#include <CLI/CLI.hpp>

#include "client/assignments_command.h"
#include "client/check_command.h"
#include "client/class_command.h"
#include "client/compute_command.h"
#include "client/console.h"
#include "client/grade_command.h"
#include "client/health_command.h"
#include "client/lint_command.h"
#include "client/ops_command.h"
#include "client/regrade_command.h"
#include "fmt/format.h"
#include "server/transport/machine.h"
#include "server/transport/version.h"

namespace gradus {
namespace {

// What the command line asks for; set by the command that it names.
using Action = std::function<ExitCode()>;

std::string CheckHostPort(const std::string& address) {
  return address.find(':') == std::string::npos ? "write HOST:PORT, as in localhost:50051" : "";
}

void AddConnection(CLI::App* command, ConnectionOptions* options) {
  command->add_option("--server", options->server, "Call this server. Default: compute right here")
      ->option_text("HOST:PORT")
      ->check(CheckHostPort);
  // Not an option: it would show in the list of processes.
  if (const char* token = std::getenv("GRADUS_TOKEN"); token != nullptr) options->token = token;
  command
      ->add_option("--token-file", options->token_file,
                   "Show the server the token in this file. Default: the one in GRADUS_TOKEN")
      ->option_text("FILE");
  CLI::Option* ca = command
                        ->add_option("--tls-ca", options->tls.ca,
                                     "Call over TLS: the roots that the server's certificate comes "
                                     "from")
                        ->option_text("FILE");
  CLI::Option* certificate =
      command->add_option("--tls-cert", options->tls.certificate, "Certificate to show the server")
          ->option_text("FILE")
          ->needs(ca);
  CLI::Option* key = command->add_option("--tls-key", options->tls.key, "Its private key")
                         ->option_text("FILE")
                         ->needs(certificate);
  certificate->needs(key);
  command
      ->add_option("--server-name", options->server_name,
                   "The name in the server's certificate. Default: HOST")
      ->option_text("NAME")
      ->needs(ca);
  const auto set_timeout = [options](const int& seconds) {
    options->timeout = std::chrono::seconds(seconds);
  };
  constexpr int kDay = 24 * 60 * 60;
  command
      ->add_option_function<int>("--timeout", set_timeout,
                                 "Longest wait for an answer. Default: 60")
      ->option_text("SECONDS")
      ->check(CLI::Range(1, kDay));
}

// `text` is the name of the default format, beside json.
void AddFormat(CLI::App* command, const std::string& text, bool* json) {
  const auto set_json = [json](const std::string& format) { *json = format == "json"; };
  command->add_option_function<std::string>("--format", set_json, "How to print. Default: " + text)
      ->option_text(text + "|json")
      ->check(CLI::IsMember({text, std::string("json")}));
}

void AddCompute(CLI::App* app, const std::string& name, const std::string& description,
                Computation computation, ComputeOptions* options, Action* action) {
  options->computation = computation;
  CLI::App* command = app->add_subcommand(name, description);
  command->callback([=] { *action = [options] { return RunCompute(*options); }; });
  command->add_option("PROBLEM", options->problem, "The problem: .txtpb, .json or .binpb")
      ->option_text("FILE")
      ->required();
  command->add_option("--only", options->only, "Show only this, as in grad(W1). May be repeated")
      ->option_text("ADDRESS")
      ->allow_extra_args(false);
  command
      ->add_option("--pin", options->pins,
                   "Compute with this, as in h[0]=0.6 or h=[1,2]. May be repeated")
      ->option_text("ADDRESS=VALUE")
      ->allow_extra_args(false);
  AddFormat(command, "table", &options->json);
  AddConnection(command, &options->connection);
}

void AddCheck(CLI::App* app, CheckCommandOptions* options, Action* action) {
  CLI::App* command = app->add_subcommand("check", "Compare gradients with independent methods");
  command->callback([=] { *action = [options] { return RunCheck(*options); }; });
  command->add_option("PROBLEM", options->problem, "The problem: .txtpb, .json or .binpb")
      ->option_text("FILE")
      ->required();
  const auto add_method = [options](const std::string& name) {
    for (const auto& [method_name, method] : kCheckMethods) {
      if (name == method_name || name == "all") options->methods.push_back(method);
    }
  };
  command
      ->add_option_function<std::vector<std::string>>(
          "--method",
          [=](const std::vector<std::string>& names) {
            for (const std::string& name : names) add_method(name);
          },
          "How to check. May be repeated. Default: forward")
      ->option_text("forward|central|random|taylor|all")
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"forward", "central", "random", "taylor", "all"}));
  command
      ->add_option("--gradients", options->gradients,
                   "Check these, a CheckRequest that holds gradients only, and not our own")
      ->option_text("FILE");
  command->add_option("--only", options->only, "Check only this, as in grad(W1). May be repeated")
      ->option_text("ADDRESS")
      ->allow_extra_args(false);
  command
      ->add_option("--tolerance", options->relative_tolerance,
                   "Relative. Default: 1e-9 for forward and random, else 1e-5")
      ->option_text("NUMBER");
  command->add_option("--seed", options->seed, "Chooses the random directions. Default: 0")
      ->option_text("NUMBER");
  AddFormat(command, "table", &options->json);
  AddConnection(command, &options->connection);
}

void AddOps(CLI::App* app, OpsOptions* options, Action* action) {
  CLI::App* command = app->add_subcommand("ops", "List the ops, or all about one");
  command->callback([=] { *action = [options] { return RunOps(*options); }; });
  command->add_option("NAME", options->name, "The op, as in leaky_relu. Default: all")
      ->option_text("NAME");
  static const std::map<std::string, OpsFormat> kFormats = {
      {"text", OpsFormat::kText}, {"json", OpsFormat::kJson}, {"markdown", OpsFormat::kMarkdown}};
  const auto set_format = [options](const std::string& name) {
    options->format = kFormats.at(name);
  };
  command->add_option_function<std::string>("--format", set_format, "How to print. Default: text")
      ->option_text("text|json|markdown")
      ->check(CLI::IsMember({"text", "json", "markdown"}));
  AddConnection(command, &options->connection);
}

// "likewise": after the assignment, whose formats are those of submissions too.
void AddSubmissions(CLI::App* command, std::vector<std::string>* submissions) {
  command->add_option("SUBMISSION", *submissions, "The submissions, likewise, or folders of them")
      ->option_text("FILE|FOLDER...")
      ->required();
}

void AddGrade(CLI::App* app, GradeOptions* options, Action* action) {
  CLI::App* command = app->add_subcommand("grade", "Grade submissions against an assignment");
  command->callback([=] { *action = [options] { return RunGrade(*options); }; });
  command
      ->add_option("ASSIGNMENT", options->assignment,
                   "The assignment: .txtpb, .json or .binpb; or @ and the name of one that the "
                   "server holds")
      ->option_text("FILE|@NAME")
      ->required();
  AddSubmissions(command, &options->submissions);
  const auto list_all = [options](int64_t) { options->listed = ListedItems::kAll; };
  command->add_flag_function("--all", list_all, "List correct items too");
  AddFormat(command, "text", &options->json);
  AddConnection(command, &options->connection);
}

void AddAssignments(CLI::App* app, AssignmentsOptions* options, Action* action) {
  CLI::App* command =
      app->add_subcommand("assignments", "List the assignments that a server holds");
  command->callback([=] { *action = [options] { return RunAssignments(*options); }; });
  command->add_option("NAME", options->name, "Show the items of this one. Default: list the names")
      ->option_text("NAME");
  AddFormat(command, "text", &options->json);
  AddConnection(command, &options->connection);
  // The one in this process holds none.
  command->get_option("--server")->description("The server to ask")->required();
}

void AddClass(CLI::App* app, ClassOptions* options, Action* action) {
  CLI::App* command = app->add_subcommand("class", "Grade a class, and say what it has in common");
  command->callback([=] { *action = [options] { return RunClass(*options); }; });
  command->add_option("ASSIGNMENT", options->assignment, "The assignment: .txtpb, .json or .binpb")
      ->option_text("FILE")
      ->required();
  AddSubmissions(command, &options->submissions);
  AddFormat(command, "text", &options->json);
  AddConnection(command, &options->connection);
}

void AddRegrade(CLI::App* app, RegradeOptions* options, Action* action) {
  CLI::App* command =
      app->add_subcommand("regrade", "Grade by a changed assignment, and show the difference");
  command->callback([=] { *action = [options] { return RunRegrade(*options); }; });
  command
      ->add_option("OLD_ASSIGNMENT", options->old_assignment,
                   "The assignment as it was: .txtpb, .json or .binpb")
      ->option_text("FILE")
      ->required();
  command->add_option("NEW_ASSIGNMENT", options->new_assignment, "The assignment as it is now")
      ->option_text("FILE")
      ->required();
  AddSubmissions(command, &options->submissions);
  const auto never_lower = [options](int64_t) {
    options->lowered_score = LoweredScore::kKeepsTheOld;
  };
  command->add_flag_function("--never-lower", never_lower,
                             "Each item keeps the larger of its old and its new points");
  AddFormat(command, "text", &options->json);
  AddConnection(command, &options->connection);
}

void AddLint(CLI::App* app, LintOptions* options, Action* action) {
  CLI::App* command =
      app->add_subcommand("lint", "Say which wrong answers an assignment would accept");
  command->callback([=] { *action = [options] { return RunLint(*options); }; });
  command->add_option("ASSIGNMENT", options->assignment, "The assignment: .txtpb, .json or .binpb")
      ->option_text("FILE")
      ->required();
  AddFormat(command, "text", &options->json);
  AddConnection(command, &options->connection);
}

void AddHealth(CLI::App* app, ConnectionOptions* options, Action* action) {
  CLI::App* command = app->add_subcommand("health", "Ask a server whether it is serving");
  command->callback([=] { *action = [options] { return RunHealth(*options); }; });
  AddConnection(command, options);
}

int Main(int argc, char** argv) {
  SkipDeadlockDetection();
  // What a failed call says is told by its status; gRPC would also log what is no failure, such as
  // a proxy that does not let clients watch the health of servers. Who sets the variable sees it.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  // The server in this process logs to standard error; standard output is for results.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("gradus"));

  CLI::App app(
      "Runs small neural networks forward, backward and through an optimizer step, shows every\n"
      "number, and grades submissions against them.",
      "gradus");
  app.set_version_flag("--version", fmt::format("gradus {}", kVersion));
  app.require_subcommand(0, 1);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return fmt::format("gradus: {}; see gradus --help\n", Printable(error.what()));
  });

  Action action;
  ComputeOptions forward;
  ComputeOptions backward;
  ComputeOptions step;
  CheckCommandOptions check;
  OpsOptions ops;
  GradeOptions grade;
  AssignmentsOptions assignments;
  ClassOptions class_report;
  RegradeOptions regrade;
  LintOptions lint;
  ConnectionOptions health;
  AddCompute(&app, "forward", "Compute the value of every node", Computation::kForward, &forward,
             &action);
  AddCompute(&app, "backward", "Forward, then the gradient of the objective by everything",
             Computation::kBackward, &backward, &action);
  AddCompute(&app, "step", "Backward, then one update of the parameters per batch",
             Computation::kStep, &step, &action);
  AddCheck(&app, &check, &action);
  AddGrade(&app, &grade, &action);
  AddClass(&app, &class_report, &action);
  AddRegrade(&app, &regrade, &action);
  AddLint(&app, &lint, &action);
  AddAssignments(&app, &assignments, &action);
  AddOps(&app, &ops, &action);
  AddHealth(&app, &health, &action);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version end here too, as success.
    return app.exit(error) == 0 ? Finish(ExitCode::kDone) : Finish(ExitCode::kBadInput);
  }
  // CLI11 would say so itself, but also of a command with a typing mistake.
  if (!action) return Finish(Fail(absl::InvalidArgumentError("no command; see gradus --help")));
  return Finish(action());
}

}  // namespace
}  // namespace gradus

int main(int argc, char** argv) { return gradus::Main(argc, argv); }
