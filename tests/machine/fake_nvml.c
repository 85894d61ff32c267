/* A libnvidia-ml.so.1 that plays a driver. FAKE_NVML names the part:
   "rtx" one GPU, "gb10" memory not supported, "none" no GPU, "denied" no permission,
   "absurd" impossible figures, "lost" works for three readings and then falls off the bus. */
#include <stdlib.h>
#include <string.h>

typedef int ret;
enum { OK = 0, UNINITIALIZED = 1, NOT_SUPPORTED = 3, NO_PERMISSION = 4, IS_LOST = 15 };

typedef struct { unsigned int gpu, memory; } utilization;
typedef struct { unsigned int version; unsigned long long total, reserved, free, used; } memory_v2;

static int readings = 0;
static int started = 0;

static int is(const char *part) {
    const char *chosen = getenv("FAKE_NVML");
    return chosen && strcmp(chosen, part) == 0;
}

static int lost(void) { return is("lost") && readings > 3; }

ret nvmlInitWithFlags(unsigned int flags) {
    (void)flags;
    if (is("denied")) return NO_PERMISSION;
    started++;
    return OK;
}
ret nvmlShutdown(void) { return started-- > 0 ? OK : UNINITIALIZED; }
ret nvmlDeviceGetCount_v2(unsigned int *count) { *count = is("none") ? 0 : 1; return OK; }
ret nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **handle) {
    static int device;
    if (index) return NOT_SUPPORTED;
    *handle = &device;
    return OK;
}
ret nvmlDeviceGetName(void *handle, char *name, unsigned int length) {
    (void)handle;
    strncpy(name, is("gb10") ? "NVIDIA GB10" : "NVIDIA GeForce RTX 4090", length);
    return OK;
}
ret nvmlDeviceGetMemoryInfo_v2(void *handle, memory_v2 *info) {
    (void)handle;
    readings++;
    if (lost()) return IS_LOST;
    if (is("gb10")) return NOT_SUPPORTED;
    info->total = 24ull << 30;
    info->reserved = 300ull << 20;
    info->used = is("absurd") ? ~0ull : 18ull << 30;
    info->free = info->total - info->used;
    return OK;
}
ret nvmlDeviceGetUtilizationRates(void *handle, utilization *rates) {
    (void)handle;
    if (lost()) return IS_LOST;
    rates->gpu = is("absurd") ? 4000u : 97u;
    rates->memory = 60;
    return OK;
}
ret nvmlDeviceGetTemperature(void *handle, int sensor, unsigned int *celsius) {
    (void)handle;
    (void)sensor;
    *celsius = 71;
    return OK;
}
ret nvmlDeviceGetPowerUsage(void *handle, unsigned int *milliwatts) {
    (void)handle;
    *milliwatts = is("absurd") ? ~0u : 312400u;
    return OK;
}
ret nvmlDeviceGetEnforcedPowerLimit(void *handle, unsigned int *milliwatts) {
    (void)handle;
    if (is("gb10")) return NOT_SUPPORTED;
    *milliwatts = 450000;
    return OK;
}
ret nvmlDeviceGetClockInfo(void *handle, int kind, unsigned int *megahertz) {
    (void)handle;
    (void)kind;
    *megahertz = 2610;
    return OK;
}
