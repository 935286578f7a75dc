// Walking LMDB's trees without trusting them. The names of the format's fields are LMDB's.
#include "store/page_walker.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <limits>

#include "store/lmdb_layout.h"
#include "store/record_frame.h"

namespace rookery {

using namespace lmdb_layout;  // NOLINT(google-build-using-namespace): this file is about it.

namespace {

constexpr std::uint64_t kNoBound = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t kRunPages = 256;  // One read of neighbouring leaves.

TreeRecord parse_tree(const char* at) {
  TreeRecord tree;
  tree.flags = load16(at + 4);
  tree.depth = load16(at + 6);
  tree.branch_pages = load64(at + 8);
  tree.leaf_pages = load64(at + 16);
  tree.overflow_pages = load64(at + 24);
  tree.entries = load64(at + 32);
  tree.root = load64(at + 40);
  return tree;
}

std::string tree_fault(const TreeRecord& tree, std::uint16_t flags, std::uint64_t last_page) {
  const bool never_used = tree.root == kNoPage && tree.flags == 0;  // As the file was made.
  if (tree.flags != flags && !never_used) return "a tree's flags are wrong";
  if (tree.root == kNoPage) {
    const bool empty = tree.depth == 0 && tree.entries == 0 && tree.leaf_pages == 0 &&
                       tree.branch_pages == 0 && tree.overflow_pages == 0;
    return empty ? "" : "an empty tree claims to have contents";
  }
  if (tree.root < kMetaPages || tree.root > last_page) return "a tree's root is out of range";
  if (tree.depth == 0 || tree.depth > kMaxDepth) return "a tree's depth is impossible";
  if (tree.branch_pages > last_page || tree.leaf_pages > last_page ||
      tree.overflow_pages > last_page) {
    return "a tree claims more pages than there are";
  }
  return "";
}

}  // namespace

struct PageWalker::Node {
  std::uint16_t at = 0;
  std::uint16_t flags = 0;
  std::uint32_t bytes = 0;  ///< On the page, rounded up to even.
  std::uint64_t key = 0;
  bool has_key = false;
  std::uint64_t child = 0;     ///< Of a branch node.
  const char* data = nullptr;  ///< Of a leaf node.
  std::uint32_t data_bytes = 0;
};

struct PageWalker::Walk {
  const MetaPage& meta;
  const TreeRecord& tree;
  bool mark;
  bool may_shrink;  ///< The free tree: its values may be smaller than their pages.
  const Visitor& visit;
  std::uint64_t branches = 0;
  std::uint64_t leaves = 0;
  std::uint64_t overflows = 0;
  std::uint64_t entries = 0;
  std::uint64_t last_key = 0;
  bool any_key = false;
  std::vector<char> run = {};
  std::vector<Node> nodes = {};
  std::string value = {};
};

PageWalker::PageWalker(int fd, std::uint64_t file_bytes) : fd_(fd), file_bytes_(file_bytes) {}

bool PageWalker::set_fault(std::string what) {
  if (fault_.empty()) fault_ = std::move(what);
  return false;
}

bool PageWalker::read_at(std::uint64_t offset, void* out, std::size_t bytes) {
  auto* to = static_cast<char*>(out);
  while (bytes > 0) {
    const ssize_t got = pread(fd_, to, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

MetaPage PageWalker::read_meta(int index, std::uint64_t offset) {
  MetaPage meta;
  char raw[kMetaEnd];
  if (!read_at(offset, raw, sizeof raw)) {
    meta.fault = "cannot be read";
    return meta;
  }
  meta.page_bytes = load32(raw + kMetaFree);
  meta.free = parse_tree(raw + kMetaFree);
  meta.main = parse_tree(raw + kMetaMain);
  meta.last_page = load64(raw + kMetaLastPage);
  meta.transaction = load64(raw + kMetaTransaction);
  const std::uint64_t map_bytes = load64(raw + kMetaMapBytes);
  if (load64(raw) != static_cast<std::uint64_t>(index))
    meta.fault = "has a wrong page number";
  else if (load16(raw + kPageFlags) != kFlagMeta)
    meta.fault = "has wrong page flags";
  else if (load32(raw + kMetaMagic) != kMagic)
    meta.fault = "has no magic number";
  else if (load32(raw + kMetaVersion) != kVersion)
    meta.fault = "has an unknown version";
  else if (load64(raw + kMetaAddress) != 0)
    meta.fault = "has a map address";
  else if (!std::has_single_bit(meta.page_bytes) || meta.page_bytes < kMinPageBytes ||
           meta.page_bytes > kMaxPageBytes)
    meta.fault = "has an impossible page size";
  else if (meta.last_page < 1 || meta.last_page > kMaxPages)
    meta.fault = "has a wrong last page";
  else if (map_bytes / meta.page_bytes <= meta.last_page)
    meta.fault = "has too small a map";
  else
    meta.fault = tree_fault(meta.free, kFreeTreeFlags, meta.last_page);
  if (meta.fault.empty()) meta.fault = tree_fault(meta.main, kMainTreeFlags, meta.last_page);
  // What the trees use must lie in the file; free pages at its end need not.
  if (meta.fault.empty() && meta.last_page / 64 > file_bytes_ / meta.page_bytes + kMaxFreeTail) {
    meta.fault = "has a last page far beyond the file";
  }
  return meta;
}

bool PageWalker::read_metas() {
  metas_[0] = read_meta(0, 0);
  // Without the first page's word on the page size, the usual one is tried.
  page_bytes_ = metas_[0].fault.empty() ? metas_[0].page_bytes : 4096;
  metas_[1] = read_meta(1, page_bytes_);
  for (int index = 0; index < 2; ++index) {
    if (!metas_[index].fault.empty()) {
      return set_fault("meta page " + std::to_string(index) + " " + metas_[index].fault);
    }
  }
  if (metas_[1].page_bytes != page_bytes_) return set_fault("the meta pages differ in page size");
  const std::uint64_t first = metas_[0].transaction;
  const std::uint64_t second = metas_[1].transaction;
  const bool fresh = first == 0 && second == 0;
  if (!fresh &&
      (first % 2 != 0 || second % 2 != 1 || (first + 1 != second && second + 1 != first))) {
    return set_fault("the meta pages' transactions " + std::to_string(first) + " and " +
                     std::to_string(second) + " do not follow each other");
  }
  newest_ = second > first ? 1 : 0;
  return true;
}

void PageWalker::prepare_maps(const MetaPage& meta) {
  page_bytes_ = meta.page_bytes;
  used_.assign(meta.last_page + 1, false);
  free_.assign(meta.last_page + 1, false);
  free_count_ = 0;
  lost_pages_ = 0;
}

bool PageWalker::leaf_nodes_begin(const char* page, std::uint64_t number, std::uint32_t page_bytes,
                                  std::uint32_t& begin) {
  page_bytes_ = page_bytes;
  std::vector<Node> nodes;
  if (!check_page(page, number, kFlagLeaf, nodes)) return false;
  begin = load16(page + kPageUpper);
  return true;
}

bool PageWalker::is_free(std::uint64_t page) const { return page < free_.size() && free_[page]; }

bool PageWalker::verify(const MetaPage& meta, const Visitor& visit) {
  prepare_maps(meta);
  if (!walk_tree(meta, meta.main, true, visit) || !verify_free_pages(meta)) return false;
  const auto used = static_cast<std::uint64_t>(std::count(used_.begin(), used_.end(), true));
  lost_pages_ = meta.last_page + 1 - kMetaPages - used - free_count_;
  return true;
}

bool PageWalker::verify_free_pages(const MetaPage& meta) {
  if (used_.size() != meta.last_page + 1) prepare_maps(meta);
  const Visitor take = [&](std::uint64_t key, std::string_view value) {
    return take_free_list(meta, key, value);
  };
  if (!walk_tree(meta, meta.free, true, take)) return false;
  for (std::uint64_t page = kMetaPages; page <= meta.last_page; ++page) {
    if (free_[page] && used_[page]) {
      return set_fault("page " + std::to_string(page) + " is both free and in use");
    }
  }
  return true;
}

bool PageWalker::take_free_list(const MetaPage& meta, std::uint64_t key, std::string_view value) {
  if (key == 0 || key > meta.transaction) return set_fault("a free list has a wrong transaction");
  if (value.size() < 8 || value.size() % 8 != 0) return set_fault("a free list has a wrong size");
  const std::uint64_t count = load64(value.data());
  if (count > value.size() / 8 - 1) return set_fault("a free list is longer than its record");
  std::uint64_t before = kNoPage;
  for (std::uint64_t index = 1; index <= count; ++index) {
    const std::uint64_t page = load64(value.data() + index * 8);
    if (page < kMetaPages || page > meta.last_page || page >= before) {
      return set_fault("a free list has a wrong page number");
    }
    if (free_[page]) return set_fault("page " + std::to_string(page) + " is free twice");
    free_[page] = true;
    ++free_count_;
    before = page;
  }
  return true;
}

bool PageWalker::walk_records(const MetaPage& meta, const Visitor& visit) {
  page_bytes_ = meta.page_bytes;
  return walk_tree(meta, meta.main, false, visit);
}

bool PageWalker::walk_tree(const MetaPage& meta, const TreeRecord& tree, bool mark,
                           const Visitor& visit) {
  if (tree.root == kNoPage) return true;
  Walk walk{meta, tree, mark, &tree == &meta.free, visit};
  const bool whole = tree.depth == 1 ? walk_leaves(walk, {tree.root}, {0, kNoBound})
                                     : walk_branch(walk, tree.root, 1, 0, kNoBound);
  if (!whole) return set_fault("damaged");
  if (walk.branches != tree.branch_pages || walk.leaves != tree.leaf_pages ||
      walk.overflows != tree.overflow_pages || walk.entries != tree.entries) {
    return set_fault("a tree's counts do not agree with its contents");
  }
  return true;
}

bool PageWalker::use_page(Walk& walk, std::uint64_t page) {
  if (page < kMetaPages || page > walk.meta.last_page) {
    return set_fault("a reference to page " + std::to_string(page) + " is out of range");
  }
  if (!walk.mark) return true;
  if (used_[page]) return set_fault("page " + std::to_string(page) + " is used twice");
  used_[page] = true;
  return true;
}

// A leaf's keys lie in [low, high); a branch's children divide that range.
bool PageWalker::walk_branch(Walk& walk, std::uint64_t page, unsigned level, std::uint64_t low,
                             std::uint64_t high) {
  if (!use_page(walk, page)) return false;
  std::vector<char> raw(page_bytes_);
  if (!read_at(page * page_bytes_, raw.data(), raw.size())) {
    return set_fault("page " + std::to_string(page) + " cannot be read");
  }
  std::vector<Node> nodes;
  if (!check_page(raw.data(), page, kFlagBranch, nodes)) return false;
  ++walk.branches;
  std::vector<std::uint64_t> children;
  std::vector<std::uint64_t> bounds{low};
  for (std::size_t index = 0; index < nodes.size(); ++index) {
    children.push_back(nodes[index].child);
    if (index == 0) continue;
    const std::uint64_t key = nodes[index].key;
    if (!nodes[index].has_key || key <= bounds.back() || key >= high) {
      return set_fault("page " + std::to_string(page) + " has keys out of order");
    }
    bounds.push_back(key);
  }
  bounds.push_back(high);
  if (level + 1 == walk.tree.depth) return walk_leaves(walk, children, bounds);
  for (std::size_t index = 0; index < children.size(); ++index) {
    if (!walk_branch(walk, children[index], level + 1, bounds[index], bounds[index + 1])) {
      return false;
    }
  }
  return true;
}

bool PageWalker::walk_leaves(Walk& walk, const std::vector<std::uint64_t>& pages,
                             const std::vector<std::uint64_t>& bounds) {
  for (std::size_t begin = 0; begin < pages.size();) {
    std::size_t end = begin + 1;
    while (end < pages.size() && end - begin < kRunPages && pages[end] == pages[end - 1] + 1) ++end;
    for (std::size_t index = begin; index < end; ++index) {
      if (!use_page(walk, pages[index])) return false;
    }
    const std::size_t bytes = (end - begin) * page_bytes_;
    if (walk.run.size() < bytes) walk.run.resize(bytes);
    if (!read_at(pages[begin] * page_bytes_, walk.run.data(), bytes)) {
      return set_fault("page " + std::to_string(pages[begin]) + " cannot be read");
    }
    for (std::size_t index = begin; index < end; ++index) {
      const char* raw = walk.run.data() + (index - begin) * page_bytes_;
      if (!walk_leaf(walk, raw, pages[index], bounds[index], bounds[index + 1])) return false;
    }
    begin = end;
  }
  return true;
}

bool PageWalker::walk_leaf(Walk& walk, const char* page, std::uint64_t number, std::uint64_t low,
                           std::uint64_t high) {
  if (!check_page(page, number, kFlagLeaf, walk.nodes)) return false;
  ++walk.leaves;
  for (const Node& node : walk.nodes) {
    const bool ascends = !walk.any_key || node.key > walk.last_key;
    if (!node.has_key || !ascends || node.key < low || node.key >= high) {
      return set_fault("page " + std::to_string(number) + " has keys out of order");
    }
    walk.last_key = node.key;
    walk.any_key = true;
    ++walk.entries;
    if (!visit_node(walk, node, number)) return false;
  }
  return true;
}

bool PageWalker::visit_node(Walk& walk, const Node& node, std::uint64_t number) {
  const bool fits =
      kNodeHeader + kKeyBytes + std::uint64_t{node.data_bytes} <= largest_node(page_bytes_);
  if (node.flags == 0) {
    if (!fits) return set_fault("page " + std::to_string(number) + " has too big a node");
    return walk.visit(node.key, {node.data, node.data_bytes}) ||
           set_fault("page " + std::to_string(number) + " has a wrong record");
  }
  if (fits && !walk.may_shrink) {
    return set_fault("page " + std::to_string(number) + " has a wrong node");
  }
  const std::uint64_t first = load64(node.data);
  if (!read_overflow(walk, first, node.data_bytes)) return false;
  return walk.visit(node.key, std::string_view(walk.value).substr(kPageHeader)) ||
         set_fault("page " + std::to_string(first) + " has a wrong record");
}

// LMDB rewrites a free list in place when it has become shorter: its overflow pages may be more
// than the value needs. Records are written once, so theirs must fit exactly.
bool PageWalker::read_overflow(Walk& walk, std::uint64_t page, std::uint64_t bytes) {
  const auto wrong = [&](const char* what) {
    return set_fault("overflow page " + std::to_string(page) + " " + what);
  };
  const std::uint64_t needed = (kPageHeader - 1 + bytes) / page_bytes_ + 1;
  char header[kPageHeader];
  if (page > walk.meta.last_page || page + needed > file_bytes_ / page_bytes_) {
    return wrong("is out of range");
  }
  if (!read_at(page * page_bytes_, header, sizeof header)) return wrong("cannot be read");
  const std::uint64_t pages = load32(header + kPageLower);
  if (load64(header) != page || load16(header + kPageFlags) != kFlagOverflow || pages < needed ||
      (pages > needed && !walk.may_shrink) || page + pages - 1 > walk.meta.last_page) {
    return wrong("has a wrong header");
  }
  for (std::uint64_t index = 0; index < pages; ++index) {
    if (!use_page(walk, page + index)) return false;
  }
  walk.value.resize(kPageHeader + bytes);
  if (!read_at(page * page_bytes_, walk.value.data(), walk.value.size())) {
    return wrong("cannot be read");
  }
  walk.overflows += pages;
  return true;
}

bool PageWalker::check_page(const char* page, std::uint64_t number, std::uint16_t flags,
                            std::vector<Node>& nodes) {
  const auto wrong = [&](const char* what) {
    return set_fault("page " + std::to_string(number) + " " + what);
  };
  nodes.clear();
  if (load64(page) != number) return wrong("bears another number");
  if (load16(page + kPageFlags) != flags) return wrong("has wrong flags");
  const std::uint32_t lower = load16(page + kPageLower);
  const std::uint32_t upper = load16(page + kPageUpper);
  if (lower <= kPageHeader || lower % 2 != 0 || lower > upper || upper > page_bytes_) {
    return wrong("has impossible bounds");
  }
  nodes.resize((lower - kPageHeader) / 2);
  for (std::size_t index = 0; index < nodes.size(); ++index) {
    const std::uint16_t at = load16(page + kPageHeader + index * 2);
    if (at < upper || at % 2 != 0) return wrong("has a node out of bounds");
    if (!read_node(page, number, at, flags == kFlagLeaf, nodes[index])) return false;
  }
  return check_tiling(number, upper, nodes);
}

bool PageWalker::read_node(const char* page, std::uint64_t number, std::uint16_t at, bool leaf,
                           Node& node) {
  const auto wrong = [&] {
    return set_fault("page " + std::to_string(number) + " has a damaged node");
  };
  if (std::uint32_t{at} + kNodeHeader > page_bytes_) return wrong();
  const char* raw = page + at;
  const std::uint16_t key_bytes = load16(raw + kNodeKeyBytes);
  if (key_bytes != kKeyBytes && (leaf || key_bytes != 0)) return wrong();
  node.at = at;
  node.flags = load16(raw + kNodeFlags);
  node.has_key = key_bytes != 0;
  std::uint64_t bytes = kNodeHeader + std::uint64_t{key_bytes};
  if (leaf) {
    if (node.flags != 0 && node.flags != kNodeOverflow) return wrong();
    node.data_bytes = load32(raw);
    bytes += node.flags == kNodeOverflow ? 8 : std::uint64_t{node.data_bytes};
    node.data = raw + kNodeHeader + key_bytes;
  } else {
    node.child = load32(raw) | (std::uint64_t{node.flags} << 32);
  }
  bytes += bytes % 2;
  if (at + bytes > page_bytes_) return wrong();
  node.key = node.has_key ? load64(raw + kNodeHeader) : 0;
  node.bytes = static_cast<std::uint32_t>(bytes);
  return true;
}

// The nodes must fill the page from `upper` to its end, without gap or overlap: that catches damage
// to any length or offset.
bool PageWalker::check_tiling(std::uint64_t number, std::uint32_t upper, std::vector<Node>& nodes) {
  bool in_order = true;
  std::uint32_t expected = page_bytes_;
  for (const Node& node : nodes) {
    in_order = in_order && node.at + node.bytes == expected;
    expected = node.at;
  }
  if (in_order && expected == upper) return true;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> spans;
  spans.reserve(nodes.size());
  for (const Node& node : nodes) spans.emplace_back(node.at, node.bytes);
  std::sort(spans.begin(), spans.end());
  std::uint32_t at = upper;
  for (const auto& [begin, bytes] : spans) {
    if (begin != at) break;
    at += bytes;
  }
  if (at != page_bytes_) {
    return set_fault("page " + std::to_string(number) + " has gaps or overlaps");
  }
  return true;
}

}  // namespace rookery
