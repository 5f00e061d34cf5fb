/* scarce.h - makes memory run out when a test needs it
 *
 *   scarce_begin(n): from here on the n-th allocation of the process (from 0) fails; -1: none
 *
 * Mappings count as well. All blocks are counted, so that a leak shows: scarce_blocks is how many
 * there are. Included by one file of a test. The sanitizers have their own malloc: SCARCE is 0
 * then, and this file is empty.
 */
#ifndef XCOMPLIANCE_SCARCE_H
#define XCOMPLIANCE_SCARCE_H

#if defined(__has_feature) /* clang's way to say it */
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#if SANITIZED
#define SCARCE 0
#else
#define SCARCE 1

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);

static atomic_long scarce_allocations, scarce_failing = -1, scarce_blocks;

/* Libraries (their files' names, in part) whose own allocations do not count: those that are known
 * to crash when memory is short. */
static const char *scarce_spared[2];

static bool is_spared(const void *caller) {
  Dl_info info;
  if (!scarce_spared[0] || dladdr(caller, &info) == 0 || !info.dli_fname) return false;
  return strstr(info.dli_fname, scarce_spared[0]) ||
         (scarce_spared[1] && strstr(info.dli_fname, scarce_spared[1]));
}

/* Whether this allocation succeeds. */
static bool may_have_for(const void *caller) {
  if (is_spared(caller)) return true;
  if (atomic_fetch_add(&scarce_allocations, 1) != atomic_load(&scarce_failing)) return true;
  errno = ENOMEM;
  return false;
}

static void *counted(void *block) {
  if (block) atomic_fetch_add(&scarce_blocks, 1);
  return block;
}

/* seen by the libraries too */
#pragma GCC visibility push(default)

void *malloc(size_t size) {
  return may_have_for(__builtin_return_address(0)) ? counted(__libc_malloc(size)) : NULL;
}

void *calloc(size_t count, size_t size) {
  return may_have_for(__builtin_return_address(0)) ? counted(__libc_calloc(count, size)) : NULL;
}

void *realloc(void *block, size_t size) {
  if (!may_have_for(__builtin_return_address(0))) return NULL;
  return block ? __libc_realloc(block, size) : counted(__libc_malloc(size));
}

void free(void *block) {
  if (block) atomic_fetch_sub(&scarce_blocks, 1);
  __libc_free(block);
}

void *mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t offset) {
  if (!may_have_for(__builtin_return_address(0))) return MAP_FAILED;
  /* the same, of another name */
  return mmap64(address, size, protection, flags, descriptor, offset);
}

#pragma GCC visibility pop

static inline void scarce_begin(long failing) {
  atomic_store(&scarce_allocations, 0);
  atomic_store(&scarce_failing, failing);
}

#endif
#endif
