// FIELD=VALUE on the command line, put into the text form of a message: `kafka.topics=[a,b]`,
// `weight=3`; `field=` takes a field away.
//
// Thread: pure. Fails: by an error text.
#pragma once

#include <string>
#include <vector>

#include "server/config/text_tree.h"

namespace tidegate::ctl {

bool Assign(const std::string& assignment, config::TextNode& tree, std::string& error);

// Puts `over` on top of `tree`, field by field; lists are replaced.
void Overlay(const config::TextNode& over, config::TextNode& tree);

}  // namespace tidegate::ctl
