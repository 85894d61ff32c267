/* A libnvidia-ml.so.1 that plays a driver. FAKE_NVML names the part:
   "rtx" one GPU, "two" two different ones, "mig" a GPU cut into two slices, "uncut" one that is
   put together again, "gb10" memory not supported, "zero" no memory of its own and a
   process that holds more than any computer has, "old" a driver without the newer calls, "none"
   no GPU, "denied" no permission, "hidden" no permission for processes, "wsl" no memory of single
   processes, "hot" held back by its hardware, "absurd" impossible figures, "lost" works for three
   readings, falls off the bus and is back at the third start, "half" loses the second of two for
   good, "unplugged" loses it so that its handle means nothing, "reset" the driver goes away after
   three readings and comes back with one GPU less. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int ret;
enum {
    OK = 0,
    UNINITIALIZED = 1,
    INVALID = 2,
    NOT_SUPPORTED = 3,
    NO_PERMISSION = 4,
    NOT_FOUND = 6,
    TOO_SMALL = 7,
    NO_FUNCTION = 13,
    IS_LOST = 15
};

typedef struct { unsigned int gpu, memory; } utilization;
typedef struct { unsigned int version; unsigned long long total, reserved, free, used; } memory_v2;
typedef struct { unsigned long long total, free, used; } memory_v1;
typedef struct { unsigned int pid; unsigned long long used; unsigned int instance, compute; } process;

enum { FIRST, SECOND, SLICE_1, SLICE_2 };
static int devices[] = {FIRST, SECOND, SLICE_1, SLICE_2};
static int readings = 0;
static int started = 0;
static int starts = 0;
static int listings = 0;

static int is(const char *part) {
    const char *chosen = getenv("FAKE_NVML");
    return chosen && strcmp(chosen, part) == 0;
}
static int which(void *handle) { return *(int *)handle; }
static int is_slice(void *handle) { return which(handle) >= SLICE_1; }

static ret gone(void *handle) {
    if (!started) return UNINITIALIZED;
    if (is("lost") && readings > 3 && starts < 3) return IS_LOST;
    if (is("half") && which(handle) == SECOND) return IS_LOST;
    if (is("unplugged") && which(handle) == SECOND) return INVALID;
    if (is("reset") && starts == 1 && readings > 6) return UNINITIALIZED;
    return OK;
}

ret nvmlInitWithFlags(unsigned int flags) {
    (void)flags;
    if (is("denied")) return NO_PERMISSION;
    started++;
    starts++;
    return OK;
}
ret nvmlShutdown(void) { return started-- > 0 ? OK : UNINITIALIZED; }
ret nvmlSystemGetDriverVersion(char *version, unsigned int length) {
    strncpy(version, "580.82.07", length);
    return OK;
}
ret nvmlDeviceGetCount_v2(unsigned int *count) {
    listings++;
    *count = 1;
    if (is("none")) *count = 0;
    if (is("two") || is("half")) *count = 2;
    if (is("unplugged")) *count = starts == 1 ? 2 : 1;
    if (is("reset")) *count = starts == 1 ? 2 : 1;
    return OK;
}
ret nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **handle) {
    if (index > 1) return INVALID;
    *handle = &devices[index];
    return starts > 1 ? gone(*handle) : OK;
}
ret nvmlDeviceGetName(void *handle, char *name, unsigned int length) {
    const char *names[] = {"NVIDIA GeForce RTX 4090", "NVIDIA RTX A2000",
                           "NVIDIA A100-SXM4-80GB MIG 3g.40gb", "NVIDIA A100-SXM4-80GB MIG 1g.10gb"};
    const char *chosen = names[which(handle)];
    if (is("gb10")) chosen = "NVIDIA GB10";
    if (is("absurd")) chosen = "\xff\xfe";
    if ((is("mig") || is("uncut")) && !is_slice(handle)) chosen = "NVIDIA A100-SXM4-80GB";
    strncpy(name, chosen, length);
    return OK;
}
ret nvmlDeviceGetUUID(void *handle, char *uuid, unsigned int length) {
    snprintf(uuid, length, "%s-%04d", is_slice(handle) ? "MIG" : "GPU", which(handle));
    return OK;
}
ret nvmlDeviceGetMigMode(void *handle, unsigned int *current, unsigned int *pending) {
    (void)handle;
    if (!is("mig") && !is("uncut")) return NOT_SUPPORTED;
    *current = *pending = is("mig") || listings == 1;
    return OK;
}
ret nvmlDeviceGetMaxMigDeviceCount(void *handle, unsigned int *count) {
    (void)handle;
    *count = 7;
    return OK;
}
ret nvmlDeviceGetMigDeviceHandleByIndex(void *handle, unsigned int index, void **slice) {
    (void)handle;
    if (index != 0 && index != 2) return NOT_FOUND;
    *slice = &devices[index == 0 ? SLICE_1 : SLICE_2];
    return OK;
}
static unsigned long long gib = 1ull << 30;
static unsigned long long total(void *handle) {
    unsigned long long totals[] = {24, 6, 40, 10};
    return is("zero") ? 0 : totals[which(handle)] * gib;
}
static unsigned long long used(void *handle) {
    unsigned long long sizes[] = {18, 1, 30, 2};
    return is("zero") ? 0 : is("absurd") ? ~0ull : sizes[which(handle)] * gib;
}
static ret memory(void *handle) {
    readings++;
    if (gone(handle)) return gone(handle);
    if (is("gb10")) return NOT_SUPPORTED;
    if (is("mig") && !is_slice(handle)) return NO_PERMISSION;
    return OK;
}
ret nvmlDeviceGetMemoryInfo_v2(void *handle, memory_v2 *info) {
    if (is("old")) return NO_FUNCTION;
    if (memory(handle)) return memory(handle);
    info->total = total(handle);
    info->reserved = 300ull << 20;
    info->used = used(handle);
    info->free = info->total - info->used;
    return OK;
}
ret nvmlDeviceGetMemoryInfo(void *handle, memory_v1 *info) {
    if (memory(handle)) return memory(handle);
    info->total = total(handle);
    info->used = used(handle) + (300ull << 20);
    info->free = info->total - info->used;
    return OK;
}
ret nvmlDeviceGetUtilizationRates(void *handle, utilization *rates) {
    if (gone(handle)) return gone(handle);
    if (is_slice(handle) || (is("uncut") && listings == 1)) return NOT_SUPPORTED;
    rates->gpu = is("absurd") ? 4000u : which(handle) == SECOND ? 3u : 97u;
    rates->memory = 60;
    return OK;
}
ret nvmlDeviceGetTemperature(void *handle, int sensor, unsigned int *celsius) {
    (void)sensor;
    if (is_slice(handle)) return NOT_SUPPORTED;
    *celsius = 71;
    return OK;
}
ret nvmlDeviceGetPowerUsage(void *handle, unsigned int *milliwatts) {
    if (is_slice(handle)) return INVALID;
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
    *megahertz = kind == 2 ? 10501 : 2610;
    return OK;
}
ret nvmlDeviceGetFanSpeed(void *handle, unsigned int *percent) {
    (void)handle;
    if (is("gb10")) return NOT_SUPPORTED;
    *percent = is("absurd") ? 100000u : 42u;
    return OK;
}
static unsigned long long slowed(void *handle) {
    if (is("hot")) return 0x48;
    if (is("absurd")) return ~0ull;
    return is("two") && which(handle) == SECOND ? 0x1 : 0x24;
}
ret nvmlDeviceGetCurrentClocksEventReasons(void *handle, unsigned long long *reasons) {
    if (is("old")) return NO_FUNCTION;
    *reasons = slowed(handle);
    return OK;
}
ret nvmlDeviceGetCurrentClocksThrottleReasons(void *handle, unsigned long long *reasons) {
    *reasons = slowed(handle);
    return OK;
}
ret nvmlDeviceGetCurrPcieLinkGeneration(void *handle, unsigned int *value) {
    (void)handle;
    /* A link that wakes up: slow when it is asked first, fast from then on. */
    static int asked = 0;
    *value = is("absurd") ? ~0u : is("two") && asked++ < 2 ? 1 : 4;
    return OK;
}
ret nvmlDeviceGetMaxPcieLinkGeneration(void *handle, unsigned int *value) {
    (void)handle;
    *value = 4;
    return OK;
}
ret nvmlDeviceGetCurrPcieLinkWidth(void *handle, unsigned int *value) {
    (void)handle;
    *value = 16;
    return OK;
}
ret nvmlDeviceGetMaxPcieLinkWidth(void *handle, unsigned int *value) {
    (void)handle;
    *value = 16;
    return OK;
}
static unsigned long long held(unsigned long long mib) {
    if (is("wsl")) return ~0ull;
    /* Less than the memory of any computer that runs the tests. */
    return is("gb10") ? mib << 10 : mib << 20;
}

/* The driver's way: a list that does not fit is refused with its length. */
static ret list(const process *found, unsigned int there, unsigned int *count, process *into) {
    if (*count < there || !into) {
        *count = there;
        return there ? TOO_SMALL : OK;
    }
    memcpy(into, found, there * sizeof(process));
    *count = there;
    return OK;
}
ret nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned int *count, process *into) {
    if (gone(handle)) return gone(handle);
    if (is("hidden")) return NO_PERMISSION;
    unsigned int own = atoi(getenv("FAKE_PID") ? getenv("FAKE_PID") : "1");
    unsigned int gone_since = is("absurd") ? ~0u : 999999;
    unsigned long long most = is("absurd") ? 1ull << 63 : is("zero") ? 1ull << 49 : held(9216);
    process both[] = {{own, held(6144), ~0u, ~0u}, {gone_since, most, ~0u, ~0u}};
    return list(both, which(handle) == SECOND ? 0 : 2, count, into);
}
ret nvmlDeviceGetGraphicsRunningProcesses_v3(void *handle, unsigned int *count, process *into) {
    if (gone(handle)) return gone(handle);
    if (is("gb10")) return NOT_SUPPORTED;
    unsigned int own = atoi(getenv("FAKE_PID") ? getenv("FAKE_PID") : "1");
    process one[] = {{own, held(6144), ~0u, ~0u}};
    return list(one, which(handle) == FIRST && !is("hidden") ? 1 : 0, count, into);
}
