// A launch from beginning to end: blocks spread over threads of the host, faults survived.
#pragma once

#ifdef MINIGAN_SANITIZE
#include <ucontext.h>
#endif

#include "grid.h"
#include "threads.h"

namespace minigan {

#ifdef MINIGAN_SANITIZE
BuiltIn built_in;
#endif

static thread_local Host* host;  // of this thread of the host: a signal arrives on a stack of its own
constexpr int FAULTS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}, KINDS = sizeof FAULTS / sizeof *FAULTS;
static struct sigaction before[KINDS + 1];
constexpr int STOP = SIGURG;  // sent by the watchdog; ignored by whoever does not expect it

#ifdef MINIGAN_SANITIZE
static void note_fault(Host& h, void* context, void* address) {
    const mcontext_t& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
#ifdef __x86_64__
    on_fault(h, machine.gregs[REG_RIP], reinterpret_cast<uintptr_t>(address));
#else
    on_fault(h, machine.pc, reinterpret_cast<uintptr_t>(address));
#endif
}
#else
static void note_fault(Host&, void*, void*) {}
#endif

static void on_signal(int number, siginfo_t* info, void* context) {
    Host* h = host;
    if (!h || !h->busy) {  // not ours
        if (number != STOP) {
            for (int i = 0; i < KINDS; ++i) sigaction(FAULTS[i], &before[i], nullptr);
            raise(number);
        }
        return;
    }
    h->busy = false;
    note_fault(*h, context, info->si_addr);
    if (number == STOP) fail(*h, "it was stopped because it ran too long; it was");
    if (number == SIGFPE) fail(*h, "integer division by zero");
    if (number != SIGSEGV && number != SIGBUS) fail(*h, "a trap, or a call of abort(),");
    const uintptr_t guard = reinterpret_cast<uintptr_t>(h->running->memory + PAGE);
    if (reinterpret_cast<uintptr_t>(info->si_addr) - guard < PAGE)
        fail(*h, "its local variables need more than %d KiB of stack;", int(FIBER_BYTES / 1024 - 32));
    fail(*h, "access to memory that is not there, address %p", info->si_addr);
}

static void* run_host(void* which) {
    Host& h = *static_cast<Host*>(which);
    static thread_local char* signal_stack = nullptr;
    constexpr size_t SIZE = 64 * 1024;
    if (!signal_stack) signal_stack = static_cast<char*>((malloc)(SIZE));
    stack_t mine = {}, others = {};
    mine.ss_sp = signal_stack, mine.ss_size = SIZE;
    sigaltstack(&mine, &others);
    host = &h;
    h.self = pthread_self();
    if (!sigsetjmp(h.escape, 1)) {
        wait_for_turn(h);
        h.busy = true;
        run_blocks(h);
    }
    h.busy = false;
    pass_turn(h, true);
    host = nullptr;
    sigaltstack(&others, nullptr);
    return nullptr;
}

static Host* hosts[MAX_HOSTS];

Host* host_number(int i) {
    if (!hosts[i]) hosts[i] = static_cast<Host*>(mmap(nullptr, sizeof(Host), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0));
    return hosts[i];
}

static void run(Launch& launch, int count, char** stacks) {
    struct sigaction action = {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (int i = 0; i < KINDS; ++i) sigaction(FAULTS[i], &action, &before[i]);
    sigaction(STOP, &action, &before[KINDS]);
    pthread_t others[MAX_HOSTS];
    int started = 0;
    for (int i = 0; i < count; ++i) prepare(*host_number(i), i, launch, stacks[i]);
    for (int i = 1; i < count; ++i)
        if (!pthread_create(&others[started], nullptr, run_host, hosts[i])) ++started;
        else pass_turn(*hosts[i], true);
    run_host(hosts[0]);
    for (int i = 0; i < started; ++i) pthread_join(others[i], nullptr);
    for (int i = 0; i < KINDS; ++i) sigaction(FAULTS[i], &before[i], nullptr);
    sigaction(STOP, &before[KINDS], nullptr);
}
}  // namespace minigan

// Stop a launch that runs too long: called by the watchdog, from another thread.
extern "C" __attribute__((visibility("default"))) void minigan_stop() {
    for (minigan::Host* each : minigan::hosts)
        if (each && each->busy) pthread_kill(each->self, minigan::STOP);
}

// `stacks` are those of each host's fibers. All libraries of the process have them in common, as one launch runs at a time: a
// library with stacks of its own would take 2,000 of the 65,000 mappings that a process may have.
extern "C" __attribute__((visibility("default"))) int minigan_launch(
    void (*(*life)())(), void** arguments, const unsigned* grid, const unsigned* block, const int* order, int hosts, bool cooperative,
    char** stacks, char* message, int message_size) {
    for (int i = 0; i < hosts; ++i)
        if (!stacks[i] && !(stacks[i] = minigan::take_stacks(minigan::MAX_THREADS + 1))) {
            snprintf(message, message_size, "no address space is left for its threads' stacks: see ulimit -v");
            return true;
        }
    static minigan::Launch launch;
    static minigan::Turns turns;
    if (cooperative) begin_turns(turns, hosts);
    launch.turns = cooperative ? &turns : nullptr;
    launch.work = life(), launch.arguments = arguments, launch.order = order;
    launch.grid = minigan::Index(grid[0], grid[1], grid[2]), launch.block = minigan::Index(block[0], block[1], block[2]);
    launch.threads = block[0] * block[1] * block[2];
#ifdef MINIGAN_SANITIZE
    launch.forward = false;  // then it is known at any time which thread runs
#else
    launch.forward = true;
#endif
    for (int i = 0; i < launch.threads; ++i) launch.forward &= order[i] == i;
    launch.blocks = uint64_t(grid[0]) * grid[1] * grid[2], launch.next_block = 0, launch.failed = false;
    minigan::run(launch, hosts, stacks);
    if (launch.failed) snprintf(message, message_size, "%s", launch.message);
    return launch.failed;
}
