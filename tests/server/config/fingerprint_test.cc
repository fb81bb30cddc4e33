// Equal settings have equal fingerprints, also through what they name.
#include "server/config/fingerprint.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "server/config/secrets.h"
#include "tidegate/config/v1/tls.pb.h"

namespace tidegate::config {
namespace {

class Fingerprint : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tidegate-fingerprint-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    Write("trust.jks", "one store");
    Write("password", "secret");
    auto* store = tls_.mutable_trust_store()->mutable_jks();
    store->set_location(folder_ + "/trust.jks");
    store->mutable_password()->set_file(folder_ + "/password");
  }
  void TearDown() override {
    for (const char* name : {"/trust.jks", "/password"}) ::unlink((folder_ + name).c_str());
    ::rmdir(folder_.c_str());
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
  }
  std::string Of() const {
    const SecretResolver secrets(SecretRules{{folder_}, {}});
    return SettingsFingerprint(tls_, &secrets);
  }

  std::string folder_;
  v1::Tls tls_;
};

TEST_F(Fingerprint, ChangesWithTheFilesThatAreNamed) {
  const std::string first = Of();
  EXPECT_EQ(Of(), first);
  Write("password", "another");
  const std::string second = Of();
  EXPECT_NE(second, first);
  Write("trust.jks", "another store");
  EXPECT_NE(Of(), second);
  Write("trust.jks", "one store");
  Write("password", "secret");
  EXPECT_EQ(Of(), first);
}

TEST_F(Fingerprint, OfAFileThatWasOnlyTouchedIsTheSame) {
  const std::string first = Of();
  ::chmod((folder_ + "/trust.jks").c_str(), 0600);
  Write("trust.jks", "one store");  // another time of change, the same bytes
  EXPECT_EQ(Of(), first);
}

TEST_F(Fingerprint, HoldsNothingOfTheSecret) {
  EXPECT_EQ(Of().find("secret"), std::string::npos);
  EXPECT_EQ(Of().size(), 64U);
}

TEST_F(Fingerprint, AFileThatIsGoneCountsAsItStands) {
  const std::string first = Of();
  ::unlink((folder_ + "/trust.jks").c_str());
  EXPECT_NE(Of(), first);
  EXPECT_EQ(Of(), Of());
}

}  // namespace
}  // namespace tidegate::config
