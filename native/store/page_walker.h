// Reads an LMDB 0.9 data file with plain reads and believes nothing in it. LMDB itself maps its
// file and trusts every number there, so a truncated or damaged file would end the process;
// therefore the whole structure is verified here before LMDB may see the file.
//
// What "sound" means: both meta pages are plausible and consistent with each other; in the newest
// snapshot both trees (records, free pages) have the right page numbers, flags, depths and counts;
// nodes tile their pages exactly; keys ascend and stay within what the branches say; overflow pages
// fit their values; every page is used at most once, and no used page is free or beyond the file.
// The records' own checksums are the caller's business.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rookery {

/// One tree as a meta page describes it.
struct TreeRecord {
  std::uint16_t flags = 0;
  std::uint16_t depth = 0;
  std::uint64_t branch_pages = 0;
  std::uint64_t leaf_pages = 0;
  std::uint64_t overflow_pages = 0;
  std::uint64_t entries = 0;
  std::uint64_t root = 0;
};

/// One meta page, with the reason why it cannot be believed, empty when it can.
struct MetaPage {
  std::string fault;
  std::uint32_t page_bytes = 0;
  TreeRecord free;
  TreeRecord main;
  std::uint64_t last_page = 0;
  std::uint64_t transaction = 0;
};

class PageWalker {
 public:
  /// A record as it lies in the tree; the value is borrowed for the call. False stops the walk with
  /// set_fault() told by the visitor.
  using Visitor = std::function<bool(std::uint64_t key, std::string_view value)>;

  /// Reads through `fd`, which stays the caller's.
  PageWalker(int fd, std::uint64_t file_bytes);

  /// Reads both meta pages and decides which snapshot LMDB would use. False when they are damaged
  /// or do not fit each other; metas() tells what stands there all the same.
  bool read_metas();
  [[nodiscard]] const MetaPage& meta(int index) const { return metas_[index]; }
  /// The meta page of the newest snapshot, after read_metas() returned true.
  [[nodiscard]] int newest() const { return newest_; }

  /// Verifies the snapshot of one meta page (which must be without fault) entirely, giving each
  /// record to `visit` in ascending order.
  bool verify(const MetaPage& meta, const Visitor& visit);

  /// Verifies the tree of free pages only; used pages that were marked before are respected.
  bool verify_free_pages(const MetaPage& meta);

  /// Walks the records once more, after verify(); every bound is checked again.
  bool walk_records(const MetaPage& meta, const Visitor& visit);

  /// Where the nodes of a leaf page begin (they reach to its end), when the page alone is sound.
  /// What lies before them is left over from deleted nodes.
  bool leaf_nodes_begin(const char* page, std::uint64_t number, std::uint32_t page_bytes,
                        std::uint32_t& begin);

  [[nodiscard]] bool is_free(std::uint64_t page) const;
  /// Pages that are neither used nor free after verify(): lost space, but no danger.
  [[nodiscard]] std::uint64_t lost_pages() const { return lost_pages_; }

  [[nodiscard]] const std::string& fault() const { return fault_; }
  /// Notes what is wrong; the first note stays. Always false, for returning.
  bool set_fault(std::string what);

 private:
  struct Walk;
  struct Node;
  bool read_at(std::uint64_t offset, void* out, std::size_t bytes);
  MetaPage read_meta(int index, std::uint64_t offset);
  bool walk_tree(const MetaPage& meta, const TreeRecord& tree, bool mark, const Visitor& visit);
  bool walk_branch(Walk& walk, std::uint64_t page, unsigned level, std::uint64_t low,
                   std::uint64_t high);
  bool walk_leaves(Walk& walk, const std::vector<std::uint64_t>& pages,
                   const std::vector<std::uint64_t>& bounds);
  bool walk_leaf(Walk& walk, const char* page, std::uint64_t number, std::uint64_t low,
                 std::uint64_t high);
  bool visit_node(Walk& walk, const Node& node, std::uint64_t number);
  bool read_overflow(Walk& walk, std::uint64_t page, std::uint64_t bytes);
  bool check_page(const char* page, std::uint64_t number, std::uint16_t flags,
                  std::vector<Node>& nodes);
  bool read_node(const char* page, std::uint64_t number, std::uint16_t at, bool leaf, Node& node);
  bool check_tiling(std::uint64_t number, std::uint32_t upper, std::vector<Node>& nodes);
  bool use_page(Walk& walk, std::uint64_t page);
  bool take_free_list(const MetaPage& meta, std::uint64_t key, std::string_view value);
  void prepare_maps(const MetaPage& meta);

  int fd_;
  std::uint64_t file_bytes_;
  std::uint32_t page_bytes_ = 4096;
  MetaPage metas_[2];
  int newest_ = 0;
  std::vector<bool> used_;
  std::vector<bool> free_;
  std::uint64_t free_count_ = 0;
  std::uint64_t lost_pages_ = 0;
  std::string fault_;
};

}  // namespace rookery
