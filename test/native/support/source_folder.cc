// The one file that is compiled with the project's folder as a definition: __FILE__ is relative to
// wherever a compiler cache wants it.
#include "native/support/source_folder.h"

namespace rookery::test {

std::string source_path(std::string_view path) {
  return std::string(ROOKERY_SOURCE_FOLDER) + '/' + std::string(path);
}

}  // namespace rookery::test
