// A cooperative launch: blocks that wait for each other.
//
// Each has a thread of the host to itself, where its fibers and what it has in shared memory stay while it waits. They take turns:
// one runs until all its threads have come to the grid's barrier, then the next. When its turn comes again, all have been there.
#pragma once

#include "threads.h"

namespace minigan {

struct Turns {
    pthread_mutex_t lock;
    pthread_cond_t comes[MAX_HOSTS];  // each one's turn
    int hosts, now;                   // how many take turns, and whose turn it is
    uint64_t arrivals;                // of blocks at the grid's barrier
    bool ended[MAX_HOSTS];
};

MINIGAN_RUNTIME void begin_turns(Turns& turns, int hosts) {
    turns = {};
    turns.hosts = hosts;
    pthread_mutex_init(&turns.lock, nullptr);
    for (pthread_cond_t& each : turns.comes) pthread_cond_init(&each, nullptr);
}

MINIGAN_RUNTIME void wait_for_turn(Host& h) {
    Turns* turns = h.launch->turns;
    if (!turns) return;
    pthread_mutex_lock(&turns->lock);
    while (turns->now != h.number) pthread_cond_wait(&turns->comes[h.number], &turns->lock);
    pthread_mutex_unlock(&turns->lock);
    if (h.launch->failed) siglongjmp(h.escape, 1);
}

MINIGAN_RUNTIME void pass_turn(Host& h, bool ends) {
    Turns* turns = h.launch->turns;
    if (!turns) return;
    pthread_mutex_lock(&turns->lock);
    turns->arrivals += !ends;
    turns->ended[h.number] = ends;
    if (turns->now == h.number) {  // else it never began
        do turns->now = (turns->now + 1) % turns->hosts;
        while (turns->ended[turns->now] && turns->now != h.number);
    }
    pthread_cond_signal(&turns->comes[turns->now]);
    pthread_mutex_unlock(&turns->lock);
}

// The last thread of a block has come to the grid's barrier.
MINIGAN_RUNTIME void meet_grid(Host& h) {
    h.at_grid_barrier = false;
    const BuiltIn mine = built_in;
    on_leaving(h);
    h.busy = false;  // the watchdog stops whoever runs
    pass_turn(h, false);
    wait_for_turn(h);
    h.busy = true;
    built_in = mine;
    on_returning(h);
    if (h.launch->turns->arrivals >= ++h.grid_barriers * h.launch->blocks) return;
    on_deadlock(h);
    fail(h, "deadlock: a block has returned for which others wait at the grid's barrier;");
}

// cooperative_groups: wait until every thread of the grid is here.
MINIGAN_RUNTIME void wait_for_grid(Place place) {
    Host& h = attend();
    if (!h.launch->turns) fail_at(place, "a grid's sync", " needs a launch with cooperative=True;");
    h.at_grid_barrier = true;
    count_in_block(false, place);
}
}  // namespace minigan
