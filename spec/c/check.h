/* check.h - what the C wings' tests share
 *
 *   int main(void) {
 *     CHECK(1 + 1 == 2);
 *     CHECK_TEXT("2", text);
 *     return check_end();
 *   }
 *
 * A failure is printed with its place; the end is a line "N passed, N failed", as spec/run adds
 * up, and the exit status.
 */
#ifndef XCOMPLIANCE_CHECK_H
#define XCOMPLIANCE_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned check_passed, check_failed;

static inline bool check_that(bool holds, const char *what, const char *file, int line) {
  if (holds) {
    check_passed++;
    return true;
  }
  check_failed++;
  printf("%s:%d: %s\n", file, line, what);
  return false;
}

#define FAIL(what) check_that(false, what, __FILE__, __LINE__)
#define CHECK(condition) check_that(condition, #condition, __FILE__, __LINE__)

#define CHECK_TEXT(expected, actual)                                                               \
  do {                                                                                             \
    const char *check_actual = (actual);                                                           \
    if (!check_that(strcmp(expected, check_actual) == 0, #actual, __FILE__, __LINE__))             \
      printf("  expected \"%s\"\n  but it is \"%s\"\n", expected, check_actual);                   \
  } while (0)

static inline int check_end(void) {
  printf("%u passed, %u failed\n", check_passed, check_failed);
  return check_failed > 0;
}

#endif
