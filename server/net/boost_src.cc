// The one translation unit that compiles the non-template parts of Asio and Beast
// (BOOST_*_SEPARATE_ COMPILATION): every other file then parses declarations only.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
