"""Kernels without a fault, in which a sanitizer that is too eager might see one."""

INNOCENT = {
    "one thread adds up in a loop": """
        __shared__ int s;
        if (t == 0) s = 0;
        for (int k = 0; k < n; ++k) if (t == 0) s += k;
        __syncthreads();
        x[i] = s;""",
    "one thread reads back in a loop": """
        __shared__ int s[4];
        if (t == 0) s[0] = 5;
        for (int k = 0; k < n; ++k) if (t == 0) x[blockIdx.x * 64 + k % 64] = s[0] * k;""",
    "a struct with gaps": """
        struct Gaps { char c; int i; short h; };
        __shared__ Gaps s[64];
        s[t].c = 1, s[t].i = 2, s[t].h = 3;
        __syncthreads();
        Gaps g = s[63 - t];
        x[i] = g.c + g.i + g.h;""",
    "a struct with a gap of four bytes": """
        struct Gap { int key; double value; };
        __shared__ Gap s[64];
        s[t].key = t, s[t].value = 2;
        __syncthreads();
        const Gap g = s[63 - t];
        x[i] = g.key + g.value;""",
    "lanes that come again with a larger mask": """
        int v = t;
        for (int k = t % 32 < 16 ? 0 : 1; k < 2; ++k) v += __shfl_xor_sync(k ? 0xffffffffu : 0xffffu, v, 1);
        x[i] = v;""",
    "two barriers in a line of a loop": """
        __shared__ int s[64];
        for (int k = 0; k < 3; ++k) { s[t] = k + t; __syncthreads(); x[i] += s[63 - t]; __syncthreads(); }""",
    "atomicExch as the first write": """
        __shared__ int s;
        if (t == 0) atomicExch(&s, 3);
        __syncthreads();
        x[i] = s;""",
    "static __shared__": """
        static __shared__ float s[64];
        s[t] = i;
        __syncthreads();
        x[i] = s[63 - t];""",
    "bytes side by side": """
        __shared__ char s[64];
        s[t] = t;
        x[i] = s[t];""",
    "a tree of warps": """
        __shared__ volatile float s[64];
        s[t] = t;
        __syncthreads();
        if (t < 32)
            for (int d = 32; d > 0; d /= 2) {
                float other = s[t + d];
                __syncwarp();
                s[t] = s[t] + other;
                __syncwarp();
            }
        if (t == 0) x[blockIdx.x] = s[0];""",
    "a double by atomicCAS": """
        double* sum = (double*)x;
        unsigned long long *p = (unsigned long long*)sum, old = *p, assumed;
        do {
            assumed = old;
            double next = *(double*)&assumed + 1.0;
            old = atomicCAS(p, assumed, *(unsigned long long*)&next);
        } while (old != assumed);""",
    "counted by atomics": """
        __shared__ unsigned count;
        if (t == 0) count = 0;
        __syncthreads();
        atomicInc(&count, 1000u);
        atomicAdd(&x[t % 3], 0.5f);
        __syncthreads();
        if (t == 0) x[64 * blockIdx.x + 5] = count;""",
    "a flag that all set": """
        __shared__ bool any;
        if (t == 0) any = false;
        __syncthreads();
        if (i % 3 == 0) any = true;
        if (i % 7 == 0) x[0] = 1;
        __syncthreads();
        if (i > 0) x[i] = any;""",
    "a lock": """
        if (t == 0) {
            int* lock = (int*)x + 100;
            while (atomicCAS(lock, 0, 1)) {}
            x[3] += 1;
            __threadfence();
            atomicExch(lock, 0);
        }""",
    "a chain of blocks": """
        volatile int* done = (volatile int*)x + 100;
        if (t == 0) {
            while (blockIdx.x && !done[blockIdx.x - 1]) {}
            x[0] += 1;
            __threadfence();
            done[blockIdx.x] = 1;
        }""",
    "a lock among the threads of a block": """
        __shared__ int lock, sum;
        if (t == 0) lock = sum = 0;
        __syncthreads();
        for (bool done = false; !done;)
            if (atomicCAS(&lock, 0, 1) == 0) {
                sum += t;
                __threadfence_block();
                atomicExch(&lock, 0);
                done = true;
            }
        __syncthreads();
        x[i] = sum;""",
    "a flag between two warps": """
        __shared__ volatile int ready;
        __shared__ int message;
        if (t == 0) ready = 0;
        __syncthreads();
        if (t == 40) {
            message = n;
            __threadfence_block();
            ready = 1;
        }
        if (t == 3) {
            while (!ready) {}
            x[blockIdx.x] = message;
        }""",
    "what a lane was told, its warp knows": """
        int* ready = (int*)x + 100;
        if (blockIdx.x == 0) {
            x[t] = t;
            __syncthreads();
            __threadfence();
            if (t == 0) atomicExch(ready, 1);
        } else if (t < 32) {
            if (t == 0) while (atomicAdd(ready, 0) == 0) {}
            __syncwarp();
            x[64 + t] = x[63 - t];
        }""",
    "lanes that hand on to the one that tells": """
        int* ready = (int*)x + 100;
        if (t < 32) {
            if (blockIdx.x == 0) x[t] = t;
            __syncwarp();
            if (t == 0) __threadfence(), atomicAdd(ready, 1);
            if (blockIdx.x == 1 && t == 0 && atomicAdd(ready, 0) == 2) x[64] = x[31];
        }""",
    "atomics of the block in shared memory": """
        __shared__ int count;
        if (t == 0) count = 0;
        __syncthreads();
        atomicAdd_block(&count, 1);
        atomicMax_block(&count, 3);
        __syncthreads();
        x[i] = count;""",
    "a queue of slots": """
        int slot = atomicAdd((int*)x + 127, 1);
        if (slot < n - 1) x[slot % 127] = i;""",
    "warps that leave early": """
        if (t >= 32) return;
        float sum = t;
        for (int d = 16; d; d /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, d);
        __syncwarp();
        if (t == 0) x[blockIdx.x] = sum;""",
    "the lanes of a ballot": """
        const unsigned even = __ballot_sync(0xffffffffu, t % 2 == 0);
        if (t % 2 == 0) {
            const int rank = __popc(even & ((1u << t % 32) - 1));
            x[i] = __shfl_sync(even, rank, 30);
            __syncwarp(even);
        } else {
            __syncwarp(~even);
        }""",
    "whoever is active": """
        if (t % 3 == 0) {
            const unsigned together = __activemask();
            const int leader = __ffs(together) - 1;
            int first = 0;
            if (t % 32 == leader) first = atomicAdd((int*)x, __popc(together));
            first = __shfl_sync(together, first, leader);
            const int rank = __popc(together & ((1u << t % 32) - 1));
            x[1 + first + rank] = i;
        }""",
    "two buffers": """
        __shared__ float s[2][64];
        s[0][t] = i;
        __syncthreads();
        for (int k = 0; k < 6; ++k) {
            s[~k & 1][t] = s[k & 1][63 - t] + 1;
            __syncthreads();
        }
        x[i] = s[0][t];""",
    "a struct that is copied whole": """
        struct Pair { char tag; double value; };
        __shared__ Pair pairs[64];
        Pair mine;
        mine.tag = 1, mine.value = i;
        pairs[t] = mine;
        __syncthreads();
        Pair other = pairs[t ^ 1];
        x[i] = other.value + other.tag;""",
    "halves of the block at one barrier in two places": """
        if (blockIdx.x == 0) { x[i] = 1; __syncthreads(); } else { __syncthreads(); x[i] = 2; }""",
    "two branches that store side by side": """
        __shared__ int s[64];
        if (t & 1) s[t] = 1;
        else s[t] = 0;
        __syncthreads();
        x[i] = s[63 - t];""",
    "two results at once": """
        __shared__ float s[64], c[64];
        float whole, rest = modff(i * 0.5f, &whole);
        sincosf(rest, &s[t], &c[t]);
        __syncthreads();
        x[i] = s[63 - t] + c[63 - t] + whole;""",
    "the same for all, by name": """
        enum { DONE = 3 };
        constexpr int one = 1;
        const int level = 5;
        x[0] = n;
        x[1] = DONE;
        x[2] = (one);
        x[3 + t / 4] = level + n * 2;
        for (int k = 0; k < 8; k++) x[100 + k] = 0;""",
    "rows of a tile by one index": """
        __shared__ int s[4][16];
        s[0][t] = t;
        __syncthreads();
        x[i] = s[t / 16][t % 16];""",
    "a chip that is asked for": """
        #if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ < 700
        x[1000] = 1;
        #endif
        x[i] = 1;""",
    "looking back from block to block": """
        volatile int* status = (volatile int*)x + 100;
        if (t == 0) {
            const int own = blockIdx.x;
            x[own] = own + 1;
            __threadfence();
            status[own] = 1;
            for (int other = own - 1; other >= 0;) {
                const int known = status[other];
                if (known == 0) continue;
                x[50 + own] += x[other];
                other--;
            }
        }""",
    "handed over by atomicExch": """
        int* ready = (int*)x + 100;
        if (i == 0) {
            x[0] = 7;
            __threadfence();
            atomicExch(ready, 1);
        } else if (i == 64) {
            do {
            } while (atomicExch(ready, 0) == 0);
            x[1] = x[0];
        }""",
}
