# Servers that are broken on purpose, each by one changed line of the engine, to show that the
# simulation finds such a mistake: scripts/test builds them and runs each with --prove. The line is
# changed in a copy of the source; the object made of it stands before the engine's library when
# rookery_sim is linked. A line that is no longer there stops the configuration, so that no proof is
# lost in silence.

add_custom_target(rookery_sims_broken)

# broken_sim(NAME SOURCE RIGHT WRONG): the simulation of a server whose SOURCE (below native/) has
# WRONG where RIGHT should be.
function(broken_sim NAME SOURCE RIGHT WRONG)
  set(FROM "${CMAKE_SOURCE_DIR}/native/${SOURCE}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${FROM}")
  file(READ "${FROM}" TEXT)
  string(FIND "${TEXT}" "${RIGHT}" FIRST)
  string(FIND "${TEXT}" "${RIGHT}" LAST REVERSE)
  if(FIRST EQUAL -1 OR NOT FIRST EQUAL LAST)
    message(FATAL_ERROR "broken_sim ${NAME}: \"${RIGHT}\" does not stand once in ${SOURCE}")
  endif()
  string(REPLACE "${RIGHT}" "${WRONG}" TEXT "${TEXT}")
  set(INTO "${CMAKE_BINARY_DIR}/broken/${NAME}.cc")
  file(CONFIGURE OUTPUT "${INTO}" CONTENT "${TEXT}" @ONLY)
  add_executable(rookery_sim_broken_${NAME} EXCLUDE_FROM_ALL
    $<TARGET_OBJECTS:rookery_sim_parts> "${INTO}")
  target_compile_options(rookery_sim_broken_${NAME} PRIVATE -w)
  target_link_libraries(rookery_sim_broken_${NAME} PRIVATE rookery_engine)
  add_dependencies(rookery_sims_broken rookery_sim_broken_${NAME})
endfunction()

# Promise 1: a sender is told "accepted" before its message is on disk.
broken_sim(tells_before_commit router/mailbox_keeper.cc
  "if (stanza->origin.valid()) hurried_ = true;" "tell_safe(*stanza);")
# Promise 1: what the disk refused counts as committed.
broken_sim(takes_refusal_for_commit router/mailbox_keeper.cc
  "const bool good = event.status == StoreStatus::ok;" "const bool good = true;")
# Promise 2: a retransmission is not recognised.
broken_sim(no_duplicate_check router/mailbox_keeper.cc
  "if (!user.recent || routed.fingerprint == 0) return false;" "return false;")
# Promise 2: a second batch is under way before the first is known to be on disk.
broken_sim(two_batches_at_once router/mailbox_keeper.cc
  "if (!batches_.empty()) return true;" "")
# Promise 2: what a resuming client sends again is counted as new.
broken_sim(no_skipping router/session_manager.cc
  "management.skipping = told != management.skip_until;" "management.skipping = false;")
# Promise 2: a client that resumes too late is not asked what it had received.
broken_sim(late_resume_forgotten router/mailbox_recovery.cc
  "if (!management.resumable || items.empty()) {" "if (true) {")
# Promise 2: stored messages are sent before their numbers are noted on disk.
broken_sim(pages_without_note router/delivery.cc
  "if (session.management && !page.noted) {" "if (false) {")
# Promise 2: a client is told that its session is gone before the disk knows what it had received.
broken_sim(refuses_before_disk router/mailbox_recovery.cc
  "[barrier](const auto& batch) { return batch.second.order <= barrier; }"
  "[](const auto&) { return false; }")
# Promise 2: the note of what was sent is forgotten before the messages are.
broken_sim(forgets_notes_first router/mailbox_keeper.cc
  "if (over) forget_note(note.sequence);" "if (over) forget_on_disk(note.sequence);")
# Promise 2: what a device sends again after a resumption is not counted from what it was told.
broken_sim(device_promise_forgotten router/device_sessions.cc
  "SessionManager::count_from(*session->management, device.told);" "")
# Promise 2: what a device says it has handled of a stream that it leaves is not settled.
broken_sim(device_count_forgotten router/device_sessions.cc
  "static_cast<void>(delivery_.acknowledge(*session, device.handled));" "")
# Promise 2: a device's new stream begins before the disk knows what the old count said.
broken_sim(device_before_disk router/device_sessions.cc
  "if (!user->settling) {" "if (true) {")
