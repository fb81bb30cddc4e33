// What a refusal, a silence and an absence look like, and their exit codes.
#include <filesystem>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/sidecar/ctl/fixture.h"
#include "tidegate/config/v1/api.pb.h"

namespace tidegate::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;

using ErrorsTest = CtlTest;

TEST_F(ErrorsTest, NoSocket_IsUnreachableAndNamesTheServer) {
  EXPECT_EQ(Run({"get", "apis", "--server", "unix:/does/not/exist.sock"}), kUnreachable);
  EXPECT_EQ(err(),
            "error: get: cannot reach the gateway: there is no socket there\n"
            "  server: unix:/does/not/exist.sock (from --server)\n"
            "  next: is tidegate serve running there? Name another with --server or "
            "TIDEGATE_SERVER\n");
}

TEST_F(ErrorsTest, NobodyListens_IsUnreachable) {
  // What a gateway leaves that was killed: a socket without a listener.
  sockaddr_un address{AF_UNIX, ""};
  const std::string path = server_.directory() + "/old.sock";
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ::close(fd);
  EXPECT_EQ(Run({"deploy", "api/a", "--server", "unix:" + path}), kUnreachable);
  EXPECT_THAT(err(), HasSubstr("cannot reach the gateway: nobody listens on that socket"));
}

TEST_F(ErrorsTest, DefaultServer_IsTheFirstSocketThatAnswers) {
  std::filesystem::create_directories(server_.directory() + "/tidegate");
  std::filesystem::create_symlink(server_.directory() + "/admin.sock",
                                  server_.directory() + "/tidegate/admin.sock");
  env_["XDG_RUNTIME_DIR"] = server_.directory();
  server_.Answer("ApiService/GetApi", Text<config::v1::Api>("name: 'apis/a'"));
  EXPECT_EQ(Run({"get", "api/a", "-o", "name", "-v"}), kDone);
  EXPECT_EQ(out(), "api/a\n");
  EXPECT_EQ(err(), "server: unix:" + server_.directory() + "/tidegate/admin.sock (default)\n");
}

TEST_F(ErrorsTest, ServerOfTheEnvironment_IsUsedAndNamed) {
  env_["TIDEGATE_SERVER"] = server_.address();
  server_.Fail("ApiService/GetApi", {5, "apis/a does not exist", "RESOURCE_NOT_FOUND", {}, {}});
  EXPECT_EQ(Run({"get", "api/a"}), kNotFound);
  EXPECT_EQ(err(), "error: get api/a: not found: apis/a does not exist\n"
                   "  reason: RESOURCE_NOT_FOUND\n"
                   "  server: " + server_.address() + " (from TIDEGATE_SERVER)\n"
                   "  next: tidegatectl get apis (or plans, subscriptions, …) lists what is "
                   "there\n");
}

TEST_F(ErrorsTest, NoAnswer_IsATimeout) {
  server_.Hang("ApiService/DeployApi");
  EXPECT_EQ(RunAt({"deploy", "api/a", "--timeout", "200ms"}), kTimedOut);
  EXPECT_THAT(err(), HasSubstr("error: deploy api/a: timed out after 200ms\n"));
  EXPECT_THAT(err(), HasSubstr("it may still happen: look before you repeat"));
}

TEST_F(ErrorsTest, OtherEtag_IsAConflict) {
  server_.Fail("ApiService/DeployApi", {10, "apis/a has changed since it was read",
                                        "ETAG_MISMATCH", {{"current_etag", "\"x\""}}, {}});
  EXPECT_EQ(RunAt({"deploy", "api/a", "--etag", "\"old\""}), kConflict);
  EXPECT_THAT(err(), HasSubstr("error: deploy api/a: conflict: apis/a has changed"));
  EXPECT_THAT(err(), HasSubstr("next: somebody changed it meanwhile"));
}

TEST_F(ErrorsTest, AnotherOwner_IsRefusedWithWhoItIs) {
  server_.Fail("ApiService/StopApi", {9, "apis/a is kept by file:/etc/x", "MANAGED_ELSEWHERE",
                                      {{"owner", "file:/etc/x"}},
                                      {{"apis/a", "it is kept by another"}}});
  EXPECT_EQ(RunAt({"stop", "api/a"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("error: stop api/a: refused: api/a: it is kept by another\n"));
  EXPECT_THAT(err(), HasSubstr("change it where it is kept (file:/etc/x), or take it over with "
                               "--force"));
}

TEST_F(ErrorsTest, Unavailable_TellsAServerThatAnswersFromOneThatIsMissing) {
  server_.Fail("ApiService/DeployApi", {14, "the gateway drains", "DRAINING", {}, {}});
  EXPECT_EQ(RunAt({"deploy", "api/a"}), kUnreachable);
  EXPECT_THAT(err(), HasSubstr("the gateway cannot serve this now: the gateway drains"));
}

TEST_F(ErrorsTest, TextOfTheServer_CannotSteerATerminal) {
  server_.Fail("ApiService/DeployApi", {3, "bad \x1b[2J", "", {}, {}});
  EXPECT_EQ(RunAt({"deploy", "api/a"}), kRefused);
  EXPECT_THAT(err(), Not(HasSubstr("\x1b")));
}

TEST_F(ErrorsTest, WithoutATerminal_ThereIsNoColour) {
  EXPECT_EQ(RunAt({"deploy", "api/a"}), kRefused);
  EXPECT_THAT(err(), Not(HasSubstr("\x1b")));
  tty_ = true;
  env_["TERM"] = "xterm";
  EXPECT_EQ(RunAt({"deploy", "api/a"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("\x1b[31merror:\x1b[0m"));
  env_["NO_COLOR"] = "1";
  EXPECT_EQ(RunAt({"deploy", "api/a"}), kRefused);
  EXPECT_THAT(err(), Not(HasSubstr("\x1b")));
}

TEST_F(ErrorsTest, Token_IsSentAsBearer) {
  server_.Answer("ApiService/GetApi", Text<config::v1::Api>("name: 'apis/a'"));
  EXPECT_EQ(RunAt({"get", "api/a", "-o", "name", "--token", "s3cret"}), kDone);
  EXPECT_EQ(server_.calls().back().authorization, "Bearer s3cret");
  const std::string file = Write("token", "from-file\n");
  EXPECT_EQ(RunAt({"get", "api/a", "-o", "name", "--token", "@" + file}), kDone);
  EXPECT_EQ(server_.calls().back().authorization, "Bearer from-file");
}

}  // namespace
}  // namespace tidegate::ctl
