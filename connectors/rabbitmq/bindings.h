// The bindings that this process has made for queues that outlive their sources.
//
// A queue of a client identifier keeps its bindings when the settings change, and AMQP 0-9-1 cannot
// list them. Whoever sets a queue up with newer settings learns here what earlier ones have bound,
// and takes it away. Sources of older settings, which may still drain, leave the bindings alone.
// What an earlier process has bound nobody knows.
//
// Thread: any (a mutex, no waiting). Owner: the process; bounded by kQueuesRemembered.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tidegate::rabbitmq {

struct Binding {
  std::string exchange;
  std::string routing_key;
  std::vector<std::pair<std::string, std::string>> arguments;

  bool operator==(const Binding&) const = default;
};

class Bindings {
 public:
  static Bindings& OfProcess();

  // For a connector that is made now: greater than of all before.
  std::uint64_t NextGeneration();

  struct Plan {
    bool newest = true;         // false: newer settings have been here, nothing is to be bound
    std::vector<Binding> gone;  // to take away, when `wanted` are bound
  };
  // `queue` names broker and queue. Remembers `wanted`, and what is gone until it is Unbound.
  Plan Want(const std::string& queue, std::uint64_t generation, std::vector<Binding> wanted);
  void Unbound(const std::string& queue, const Binding& binding);

 private:
  struct Entry {
    std::uint64_t generation = 0;
    std::uint64_t used = 0;
    std::vector<Binding> wanted;
    std::vector<Binding> gone;
  };
  void MakeRoom();

  std::mutex mutex_;
  std::uint64_t generations_ = 0;
  std::uint64_t uses_ = 0;
  std::map<std::string, Entry> entries_;
};

}  // namespace tidegate::rabbitmq
