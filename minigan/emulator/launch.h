// From Python into a kernel: arguments unpacked by the kernel's own function type, blocks handed out, faults survived.
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

template <int...> struct Numbers {};
template <int N, int... Rest> struct Count : Count<N - 1, N - 1, Rest...> {};
template <int... Rest> struct Count<0, Rest...> { using type = Numbers<Rest...>; };

// The arguments are copied out of Python's memory once, so that the compiler knows that no thread changes them.
template <class F, F kernel, class... A> inline void live_with(A... arguments) {
    live(here(), [=] { kernel(arguments...); });
}
template <class F, F kernel, class... A, int... I>
inline void unpack(void (*)(A...), void** arguments, Numbers<I...>) {
    live_with<F, kernel, A...>(*static_cast<typename Plain<A>::type*>(arguments[I])...);
}
template <class... A> typename Count<sizeof...(A)>::type numbers_of(void (*)(A...)) { return {}; }

// The life of a fiber of this kernel. The kernel is a template's parameter, so that the compiler can inline it.
template <class F, F kernel> void life() { unpack<F, kernel>(kernel, here().launch->arguments, numbers_of(kernel)); }

static thread_local Host* host;  // of this thread of the host: a signal arrives on a stack of its own
constexpr int FAULTS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}, KINDS = sizeof FAULTS / sizeof *FAULTS;
static struct sigaction before[KINDS + 1];
constexpr int STOP = SIGURG;  // sent by the watchdog; ignored by whoever does not expect it

#ifdef MINIGAN_SANITIZE
static void note_fault(void* context) {
    const mcontext_t& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
#ifdef __x86_64__
    on_fault(machine.gregs[REG_RIP]);
#else
    on_fault(machine.pc);
#endif
}
#else
static void note_fault(void*) {}
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
    note_fault(context);
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

// Where a kernel's `extern __shared__` array lies.
inline void* minigan_dynamic_shared() { return minigan::here().shared; }

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

// Each kernel's types, as the compiler sees them, and its entry.
template <class T> struct MiniganName { static void put(char* to, size_t n) { snprintf(to + strlen(to), n - strlen(to), "?"); } };
#define MINIGAN_NAME(T)                                                                     \
    template <> struct MiniganName<T> {                                                     \
        static void put(char* to, size_t n) { strncat(to, #T, n - strlen(to) - 1); }        \
    };
MINIGAN_NAME(void) MINIGAN_NAME(bool) MINIGAN_NAME(char) MINIGAN_NAME(signed char) MINIGAN_NAME(unsigned char)
MINIGAN_NAME(short) MINIGAN_NAME(unsigned short) MINIGAN_NAME(int) MINIGAN_NAME(unsigned int) MINIGAN_NAME(long)
MINIGAN_NAME(unsigned long) MINIGAN_NAME(long long) MINIGAN_NAME(unsigned long long) MINIGAN_NAME(float) MINIGAN_NAME(double)
template <class T> struct MiniganName<const T> {
    static void put(char* to, size_t n) { strncat(to, "const ", n - strlen(to) - 1), MiniganName<T>::put(to, n); }
};
template <class T> struct MiniganName<volatile T> {
    static void put(char* to, size_t n) { strncat(to, "volatile ", n - strlen(to) - 1), MiniganName<T>::put(to, n); }
};
template <class T> struct MiniganName<T*> {
    static void put(char* to, size_t n) { MiniganName<T>::put(to, n), strncat(to, "*", n - strlen(to) - 1); }
};
template <class... A> void minigan_types(void (*)(A...), char* to, size_t n) {
    to[0] = 0;
    int unused[] = {0, (MiniganName<A>::put(to, n), strncat(to, ";", n - strlen(to) - 1), 0)...};
    (void)unused;
}
// A dynamic shared array that is declared outside of any function.
template <class T> struct MiniganDynamic {
    operator T*() const { return static_cast<T*>(minigan_dynamic_shared()); }
    template <class U> explicit operator U*() const { return static_cast<U*>(minigan_dynamic_shared()); }
    template <class I> T& operator[](I i) const { return static_cast<T*>(minigan_dynamic_shared())[i]; }
};

// Behind the kernel's text, so with names that no macro of it has. The kernel may be spelt with commas.
#define MINIGAN_EXPORT(MINIGAN_LABEL, ...)                                                                          \
    extern "C" __attribute__((visibility("default"))) void (*minigan_life_##MINIGAN_LABEL())() {                    \
        return &minigan::life<decltype(&__VA_ARGS__), &__VA_ARGS__>;                                                \
    }                                                                                                               \
    extern "C" __attribute__((visibility("default"))) void minigan_types_##MINIGAN_LABEL(char* minigan_to,          \
                                                                                         unsigned long minigan_n) { \
        minigan_types(&__VA_ARGS__, minigan_to, minigan_n);                                                         \
    }
