/* measure.c - runs a command and reports what it cost
 *
 *   measure COMMAND [ARGUMENT...]   ->   stderr: "WALL CPU MEGABYTES\n", seconds and peak memory
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds(struct timeval time) {
  return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv) {
  double begun = now();
  struct rusage usage;
  int status = 1;
  pid_t child;
  if (argc < 2) return 2;
  child = fork();
  if (child == 0) {
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    _exit(127);
  }
  if (child < 0 || wait4(child, &status, 0, &usage) < 0) return 1;
  fprintf(stderr, "%.3f %.3f %.0f\n", now() - begun,
          seconds(usage.ru_utime) + seconds(usage.ru_stime), (double)usage.ru_maxrss / 1024);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
