#include "tests/connectors/solace/peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace tidegate::amqp10 {
namespace {

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

// The peer as a child: its stdin is ours, so that it ends when we do; its stdout tells its ports.
pid_t Spawn(const std::vector<std::string>& words, int& stdin_fd, int& stdout_fd) {
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return -1;
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  stdin_fd = in[1];
  stdout_fd = out[0];
  return pid;
}

// The first line that comes; empty when none does within half a minute.
std::string ReadLine(int fd) {
  std::string line;
  while (line.find('\n') == std::string::npos) {
    pollfd wait{};
    wait.fd = fd;
    wait.events = POLLIN;
    char buffer[4096];
    if (::poll(&wait, 1, 30'000) <= 0) return {};
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got <= 0) return {};
    line.append(buffer, static_cast<std::size_t>(got));
  }
  return line;
}

}  // namespace

std::unique_ptr<Peer> Peer::Start(const std::vector<std::string>& options) {
  std::unique_ptr<Peer> peer(new Peer());
  std::vector<std::string> words = {"/usr/bin/python3", "-B", "tests/support/amqp10/peer.py"};
  words.insert(words.end(), options.begin(), options.end());
  int out = -1;
  peer->pid_ = Spawn(words, peer->stdin_, out);
  const std::string line = ReadLine(out);
  ::close(out);
  if (line.empty()) {
    std::fprintf(stderr, "the AMQP 1.0 peer does not start (python3-qpid-proton is needed)\n");
    std::exit(1);  // a fixture cannot go on without it
  }
  const boost::json::value known = boost::json::parse(line);
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
