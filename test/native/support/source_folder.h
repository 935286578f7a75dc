// Where the files stand that tests read: vectors that both sides of something share.
#pragma once

#include <string>
#include <string_view>

namespace rookery::test {

/// The path of a file of the project, given as it stands below the project's folder.
std::string source_path(std::string_view path);

}  // namespace rookery::test
