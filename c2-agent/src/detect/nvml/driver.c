/* A library that speaks as that of NVIDIA's driver does, as far as the agent asks: CARDS cards, of which the second is used
   by a process. While the file HANGS is there, it hangs. */
#include <stdio.h>
#include <unistd.h>

typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory;
typedef struct { unsigned gpu, memory; } rates;
typedef struct { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; } process;

static int answer(void) { while (access(HANGS, F_OK) == 0) usleep(10000); return 0; }
static unsigned index_of(void *device) { return (unsigned)((long)device - 1); }

int nvmlInit_v2(void) { return answer(); }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = CARDS; return answer(); }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) { *device = (void *)(long)(index + 1); return 0; }
int nvmlDeviceGetName(void *device, char *name, unsigned len) { snprintf(name, len, "NVIDIA Test"); return 0; }
int nvmlDeviceGetUUID(void *device, char *uuid, unsigned len) { snprintf(uuid, len, "GPU-%u", index_of(device)); return 0; }
int nvmlDeviceGetMemoryInfo_v2(void *device, memory *info) {
    info->total = 24ull << 30;
    info->used = (unsigned long long)index_of(device) << 30;
    return 0;
}
int nvmlDeviceGetUtilizationRates(void *device, rates *use) { use->gpu = 10 * index_of(device); return 0; }
int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, process *list) {
    unsigned room = *count;
    *count = index_of(device) == 1;
    if (*count > room) return 7; /* NVML_ERROR_INSUFFICIENT_SIZE */
    if (*count) { list->pid = 4711; list->used = 6ull << 30; }
    return 0;
}
int nvmlSystemGetProcessName(unsigned pid, char *name, unsigned len) {
    snprintf(name, len, "/usr/lib/blender/blender");
    return 0;
}
