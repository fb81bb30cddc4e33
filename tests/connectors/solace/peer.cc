#include "tests/connectors/solace/peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace tidegate::amqp10 {
namespace {

using std::chrono::milliseconds;

int Dial(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

// The peer as a child whose stdin is ours: it ends when we do.
pid_t Spawn(const std::vector<std::string>& words, int& stdin_fd) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return -1;
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[0], 0);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(ends[0]);
  stdin_fd = ends[1];
  return pid;
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

std::unique_ptr<Peer> Peer::Start(const std::vector<std::string>& options) {
  std::unique_ptr<Peer> peer(new Peer());
  char name[] = "/tmp/amqp10-XXXXXX";
  if (::mkdtemp(name) == nullptr) return nullptr;
  peer->directory_ = name;
  const std::string ports = peer->directory_ + "/ports.json";
  std::vector<std::string> words = {"/usr/bin/python3", "-B", "tests/support/amqp10/peer.py",
                                    "--ports-file", ports};
  words.insert(words.end(), options.begin(), options.end());
  peer->pid_ = Spawn(words, peer->stdin_);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!std::filesystem::exists(ports)) {
    int status = 0;
    const bool ended = ::waitpid(peer->pid_, &status, WNOHANG) == peer->pid_;
    if (ended) peer->pid_ = -1;
    if (ended || std::chrono::steady_clock::now() > until) {
      ADD_FAILURE() << "the AMQP 1.0 peer does not start (python3-qpid-proton is needed)";
      return nullptr;
    }
    std::this_thread::sleep_for(milliseconds(5));
  }
  const boost::json::value known = boost::json::parse(ReadAll(ports));
  peer->port_ = static_cast<std::uint16_t>(known.at("amqp").as_int64());
  if (const auto* tls = known.as_object().if_contains("amqps")) {
    peer->tls_port_ = static_cast<std::uint16_t>(tls->as_int64());
  }
  peer->control_ = Dial(static_cast<std::uint16_t>(known.at("control").as_int64()));
  EXPECT_GE(peer->control_, 0) << "the peer's control port";
  return peer;
}

Peer::~Peer() {
  if (control_ >= 0) ::close(control_);
  if (stdin_ >= 0) ::close(stdin_);
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    int status = 0;
    ::waitpid(pid_, &status, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

boost::json::value Peer::Ask(const std::string& order) {
  const std::string line = order + "\n";
  if (::send(control_, line.data(), line.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(line.size())) {
    ADD_FAILURE() << "the peer takes no orders: " << order;
    return nullptr;
  }
  while (unread_.find('\n') == std::string::npos) {
    char buffer[65536];
    const ssize_t got = ::recv(control_, buffer, sizeof buffer, 0);
    if (got <= 0) {
      ADD_FAILURE() << "the peer does not answer: " << order;
      return nullptr;
    }
    unread_.append(buffer, static_cast<std::size_t>(got));
  }
  const std::size_t end = unread_.find('\n');
  const std::string answer = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  boost::json::value value = boost::json::parse(answer);
  if (const auto* error = value.as_object().if_contains("error")) {
    ADD_FAILURE() << order << ": " << *error;
  }
  return value;
}

std::size_t Peer::Count(const std::string& order, const std::string& name) {
  return Ask(order).at(name).as_array().size();
}

}  // namespace tidegate::amqp10
