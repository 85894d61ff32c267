/* Plays the runner in a container: holds some memory, and on SIGUSR1 starts an "engine" that takes
   memory until the kernel kills it. The engine's end is reaped, so that the container lives on. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20, HELD = 24 };

static volatile sig_atomic_t asked = 0;

static void on_signal(int number) {
    (void)number;
    asked = 1;
}

static void fill(int mib) {
    for (int count = 0; mib < 0 || count < mib; count++) {
        char *block = malloc(MIB);
        if (block) memset(block, 1, MIB);
    }
}

int main(void) {
    signal(SIGUSR1, on_signal);
    fill(HELD);
    for (;;) {
        sleep(1);
        if (asked) {
            asked = 0;
            pid_t engine = fork();
            if (engine == 0) fill(-1);
            waitpid(engine, NULL, 0);
        }
    }
}
