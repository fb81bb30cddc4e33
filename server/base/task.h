// The only names under which the project uses Asio's coroutines.
//
// Executors are concrete (io_context::executor_type): measured 5 % of user time against
// any_io_executor, and one type everywhere keeps templates out of interfaces.
// Thread: a Task runs on the io_context it was spawned on and never leaves it.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace tidegate {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;
template <typename T = void>
using Task = asio::awaitable<T, Executor>;

using ErrorCode = boost::system::error_code;

// Completion token that throws on error: only for operations that cannot fail.
inline constexpr asio::use_awaitable_t<Executor> kTask{};
// Completion token that returns (ErrorCode, results…) as a tuple.
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> kTuple{kTask};

// Completion token of an operation that a coroutine awaits in place: no frame of its own,
// as kTask costs one. What must be kept to resume such a coroutine is a Resume.
inline constexpr asio::deferred_t kDirect{};
template <typename Signature>
using Resume = asio::detail::awaitable_async_op_handler<Signature, Executor>;

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

}  // namespace tidegate
