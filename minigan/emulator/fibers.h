// A fiber: a stack of its own, and a switch to another one's that costs a few nanoseconds; ucontext's takes 170.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern "C" void minigan_enter();

#ifdef __APPLE__
#define MINIGAN_SYMBOL(name) "_" name
#else
#define MINIGAN_SYMBOL(name) name
#endif

// Leave the running fiber, whose stack pointer goes to *from, and carry on with the one whose stack pointer is `to`.
// Saved are the place to go on at and the frame pointer; whatever else the caller needs, the compiler saves, because all
// registers are listed as changed. A jump instead of a return: fibers mostly go on at the same place, and the processor
// foresees that. Never inlined: a longer vector register than those listed is the caller's to save.
#if defined(__x86_64__)
__attribute__((noinline)) static void minigan_switch(void** from, void* to) {
    asm volatile(
        ""
        "  pushq %%rbp\n"
        "  leaq 1f(%%rip), %%rax\n  pushq %%rax\n"
        "  movq %%rsp, (%%rdi)\n  movq %%rsi, %%rsp\n"
        "  popq %%rax\n  jmpq *%%rax\n"
        "1:\n  popq %%rbp\n"
        : "+D"(from), "+S"(to)
        :
        : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3",
          "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory",
          "cc");
}
asm(".text\n.p2align 4\n" MINIGAN_SYMBOL("minigan_enter") ":\n  popq %rax\n  callq *%rax\n  ud2\n");
#elif defined(__aarch64__)  // compiled in the tests, never run
__attribute__((noinline)) static void minigan_switch(void** from, void* to) {
    register void** x0 asm("x0") = from;
    register void* x1 asm("x1") = to;
    asm volatile(
        "  adr x9, 1f\n  stp x9, x29, [sp, #-16]!\n"
        "  mov x10, sp\n  str x10, [x0]\n  mov sp, x1\n"
        "  ldp x9, x29, [sp], #16\n  br x9\n"
        "1:\n"
        : "+r"(x0), "+r"(x1)
        :
        : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x19",
          "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6",
          "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22",
          "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "memory", "cc");
}
asm(".text\n.p2align 4\n" MINIGAN_SYMBOL("minigan_enter") ":\n  ldp x0, x1, [sp], #16\n  blr x0\n  brk #0\n");
#else
#error "the emulator switches fibers on x86-64 and aarch64 only"
#endif

namespace minigan {

// A fiber's memory starts at a multiple of its size, so that any address on its stack leads to its beginning, where a
// pointer to its owner lies: that is how a thread finds out who it is, faster than through thread-local storage. Above
// that page lie some that fault when the stack overflows into them. A thread of a GPU has 512 KiB of local memory; here what
// compilers and the emulator put beside it lies there too.
constexpr size_t FIBER_BYTES = 1024 * 1024, PAGE = 16 * 1024, LOCAL = 512 * 1024, STACK = LOCAL + 64 * 1024;
constexpr size_t GUARD = FIBER_BYTES - STACK - PAGE;

inline void* owner_of_stack() {
    return *reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) & ~(FIBER_BYTES - 1));
}

// Memory for the stacks of so many fibers; null where there is none. It costs what is used of it.
inline char* take_stacks(size_t fibers) {
    void* taken = mmap(nullptr, (fibers + 1) * FIBER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
    if (taken == MAP_FAILED) return nullptr;
    return static_cast<char*>(taken) + (-reinterpret_cast<uintptr_t>(taken) & (FIBER_BYTES - 1));
}

// Give back what large local arrays have used of so many stacks. All threads have the same ones, so the first stack tells.
inline void give_back_stacks(char* stacks, size_t fibers) {
#ifdef __linux__
    constexpr size_t KEPT = 64 * 1024;
    unsigned char is_there = 0;
    mincore(stacks + FIBER_BYTES - KEPT, 1, &is_there);
    if (!(is_there & 1)) return;
    for (size_t i = 0; i < fibers; ++i) madvise(stacks + (i + 1) * FIBER_BYTES - STACK, STACK - KEPT, MADV_DONTNEED);
#endif
}

struct Fiber {
    void* sp = nullptr;  // where its registers lie while another fiber runs
    char* memory = nullptr;

    // Make it begin `work` when it is switched to next, on one of the `stacks`.
    void restart(int number, char* stacks, void* owner, void (*work)()) {
        if (!memory) {
            memory = stacks + number * FIBER_BYTES;
            mprotect(memory + PAGE, GUARD, PROT_NONE);
        }
        *reinterpret_cast<void**>(memory) = owner;
        // Stacks that all end on the same address modulo 4096 would fight for the same lines of the cache.
        char* top = memory + FIBER_BYTES - number % 16 * 256;
        void** frame = reinterpret_cast<void**>(top) - 6;  // what the switch and then minigan_enter take from it
        frame[0] = reinterpret_cast<void*>(minigan_enter);
#if defined(__x86_64__)
        frame[1] = reinterpret_cast<void*>(work);
#else
        frame[2] = reinterpret_cast<void*>(work);
#endif
        sp = frame;
    }
};
}  // namespace minigan
