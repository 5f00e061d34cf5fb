/* writer.c - see writer.h
 *
 * gzip is made by ISA-L, whose three levels stand for gzip's nine: ten times as fast as gzip -6,
 * and a third larger. zstd is made by libzstd. Both make one member or frame, however the data
 * came: some readers of either format stop after the first.
 */
#include "dataset/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <zstd.h>

#include "checksum.h"
#include "dataset/leftover.h"
#include "file.h"

enum { OUT_SIZE = 1 << 18, PIECES_AT_ONCE = 256, GZIP_LEVEL = 6, ZSTD_LEVEL = 3 };

struct writer {
  char *target, *path; /* `path`: the temporary file; NULL for standard output */
  int descriptor;
  bool checksum, published;
  enum reader_packing packing;
  uint64_t size;
  uint32_t crc;
  struct isal_zstream *gzip;
  unsigned char *gzip_memory;
  ZSTD_CCtx *zstd;
  unsigned char *out;
};

static bool no_memory(const char *target, struct error *error) {
  error_set(error, ERROR_MEMORY, "writing %s: out of memory", target);
  return false;
}

static const char *name_of(const struct writer *writer) {
  return writer->path ? writer->path : "standard output";
}

/* {==================================================================
** Bytes
** =================================================================== */

static void account(struct writer *writer, const void *bytes, size_t size) {
  writer->size += size;
  if (writer->checksum) writer->crc = checksum_crc32c(writer->crc, bytes, size);
}

static bool put(struct writer *writer, const void *bytes, size_t size, struct error *error) {
  account(writer, bytes, size);
  return file_write(writer->descriptor, bytes, size, name_of(writer), error);
}

/* writev that goes on after signals and short writes. The pieces are changed. */
static bool put_pieces(struct writer *writer, struct iovec *pieces, size_t count,
                       struct error *error) {
  size_t i = 0;
  while (i < count) {
    ssize_t written = writev(writer->descriptor, pieces + i, (int)(count - i));
    size_t left;
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      error_errno(error, "writing", name_of(writer));
      return false;
    }
    left = (size_t)written;
    while (i < count && left >= pieces[i].iov_len)
      left -= pieces[i++].iov_len;
    if (i < count) {
      pieces[i].iov_base = (char *)pieces[i].iov_base + left;
      pieces[i].iov_len -= left;
    }
  }
  return true;
}

static bool write_plain(struct writer *writer, const struct iovec *pieces, size_t count,
                        struct error *error) {
  struct iovec some[PIECES_AT_ONCE];
  while (count > 0) {
    size_t now = count < PIECES_AT_ONCE ? count : PIECES_AT_ONCE;
    memcpy(some, pieces, now * sizeof *some);
    for (size_t i = 0; i < now; i++)
      account(writer, pieces[i].iov_base, pieces[i].iov_len);
    if (!put_pieces(writer, some, now, error)) return false;
    pieces += now;
    count -= now;
  }
  return true;
}

/* }================================================================== */

/* {==================================================================
** gzip and zstd
** =================================================================== */

static bool open_gzip(struct writer *writer, int level) {
  static const uint32_t memory[] = {0, ISAL_DEF_LVL1_EXTRA_LARGE, ISAL_DEF_LVL2_EXTRA_LARGE,
                                    ISAL_DEF_LVL3_EXTRA_LARGE};
  uint32_t own = level < 4 ? 1 : level < 6 ? 2 : 3;
  writer->gzip = malloc(sizeof *writer->gzip);
  writer->gzip_memory = malloc(memory[own]);
  if (!writer->gzip || !writer->gzip_memory) return false;
  isal_deflate_init(writer->gzip);
  writer->gzip->level = own;
  writer->gzip->level_buf = writer->gzip_memory;
  writer->gzip->level_buf_size = memory[own];
  writer->gzip->gzip_flag = IGZIP_GZIP;
  return true;
}

static bool write_gzip(struct writer *writer, const void *bytes, size_t size, bool last,
                       struct error *error) {
  struct isal_zstream *stream = writer->gzip;
  do {
    uint32_t now = size > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)size;
    stream->next_in = (unsigned char *)(uintptr_t)bytes;
    stream->avail_in = now;
    stream->end_of_stream = last && now == size;
    do {
      stream->next_out = writer->out;
      stream->avail_out = OUT_SIZE;
      if (isal_deflate(stream) != COMP_OK) {
        error_at(error, ERROR_IO, name_of(writer), 0, 0, "gzip compression failed");
        return false;
      }
      if (!put(writer, writer->out, OUT_SIZE - stream->avail_out, error)) return false;
    } while (stream->avail_out == 0 || stream->avail_in > 0 ||
             (stream->end_of_stream && stream->internal_state.state != ZSTATE_END));
    bytes = (const char *)bytes + now;
    size -= now;
  } while (size > 0);
  return true;
}

static bool open_zstd(struct writer *writer, int level, int threads) {
  writer->zstd = ZSTD_createCCtx();
  if (!writer->zstd) return false;
  ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
  if (threads > 0) /* refused by a libzstd that was built without threads, and then does nothing */
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_nbWorkers, threads);
  return true;
}

static bool write_zstd(struct writer *writer, const void *bytes, size_t size, bool last,
                       struct error *error) {
  ZSTD_inBuffer in = {bytes, size, 0};
  size_t left;
  do {
    ZSTD_outBuffer out = {writer->out, OUT_SIZE, 0};
    left = ZSTD_compressStream2(writer->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left)) {
      error_at(error, ERROR_IO, name_of(writer), 0, 0, "zstd compression failed: %s",
               ZSTD_getErrorName(left));
      return false;
    }
    if (!put(writer, writer->out, out.pos, error)) return false;
  } while (last ? left > 0 : in.pos < in.size);
  return true;
}

static bool compress(struct writer *writer, const void *bytes, size_t size, bool last,
                     struct error *error) {
  return writer->packing == READER_GZIP ? write_gzip(writer, bytes, size, last, error)
                                        : write_zstd(writer, bytes, size, last, error);
}

/* }================================================================== */

/* {==================================================================
** Writers
** =================================================================== */

enum reader_packing writer_packing(const char *name) {
  size_t size = strlen(name);
  if (size > 3 && strcasecmp(name + size - 3, ".gz") == 0) return READER_GZIP;
  if (size > 4 && strcasecmp(name + size - 4, ".zst") == 0) return READER_ZSTD;
  return READER_PLAIN;
}

static bool open_packing(struct writer *writer, const struct writer_options *options) {
  int level = options->level;
  writer->packing = options->packing;
  if (level == 0) level = writer->packing == READER_GZIP ? GZIP_LEVEL : ZSTD_LEVEL;
  if (writer->packing == READER_PLAIN) return true;
  writer->out = malloc(OUT_SIZE);
  if (!writer->out) return false;
  return writer->packing == READER_GZIP ? open_gzip(writer, level)
                                        : open_zstd(writer, level, options->threads);
}

/* Only root may give files away; who may not keeps his own. */
static bool take_after(struct writer *writer, const struct stat *like, bool owner,
                       struct error *error) {
  if (owner && fchown(writer->descriptor, like->st_uid, like->st_gid) != 0 && errno != EPERM &&
      errno != EINVAL) {
    error_errno(error, "changing the owner of", writer->path);
    return false;
  }
  if (fchmod(writer->descriptor, like->st_mode & 07777) == 0) return true;
  error_errno(error, "changing the mode of", writer->path);
  return false;
}

static bool copy_old(struct writer *writer, struct error *error) {
  struct stat status;
  int old;
  bool done;
  if (access(writer->target, F_OK) != 0 && errno == ENOENT) return true;
  old = file_open(writer->target, &status, error);
  if (old < 0) return false;
  done = take_after(writer, &status, true, error) &&
         writer_copy(writer, old, (uint64_t)status.st_size, writer->target, error);
  close(old);
  return done;
}

static bool open_output(struct writer *writer, const struct writer_options *options,
                        struct error *error) {
  if (strcmp(options->target, "-") == 0) {
    writer->descriptor = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    if (writer->descriptor < 0) error_errno(error, "opening", "standard output");
    return writer->descriptor >= 0;
  }
  writer->descriptor = leftover_create_beside(writer->target, &writer->path, error);
  if (writer->descriptor < 0) return false;
  if (options->like && !take_after(writer, options->like, options->owner, error)) return false;
  return !options->append || copy_old(writer, error);
}

struct writer *writer_open(const struct writer_options *options, struct error *error) {
  struct writer *writer = calloc(1, sizeof *writer);
  if (!writer) {
    no_memory(options->target, error);
    return NULL;
  }
  writer->descriptor = -1;
  writer->checksum = options->checksum;
  writer->target = strdup(options->target);
  if (!writer->target || !open_packing(writer, options)) {
    no_memory(options->target, error);
  } else if (open_output(writer, options, error)) {
    return writer;
  }
  writer_free(writer);
  return NULL;
}

bool writer_write(struct writer *writer, const struct iovec *pieces, size_t count,
                  struct error *error) {
  if (writer->packing == READER_PLAIN) return write_plain(writer, pieces, count, error);
  for (size_t i = 0; i < count; i++)
    if (pieces[i].iov_len > 0 &&
        !compress(writer, pieces[i].iov_base, pieces[i].iov_len, false, error))
      return false;
  return true;
}

/* Through memory: where the bytes must be seen, or the kernel cannot copy between these files. */
static bool copy_by_hand(struct writer *writer, int from, uint64_t at, uint64_t size,
                         const char *path, struct error *error) {
  char *buffer = malloc(OUT_SIZE);
  bool done = buffer != NULL;
  if (!done) no_memory(writer->target, error);
  while (done && at < size) {
    size_t now = size - at < OUT_SIZE ? (size_t)(size - at) : OUT_SIZE;
    int64_t got = file_read(from, buffer, now, at, path, error);
    if (got == (int64_t)now)
      done = put(writer, buffer, now, error);
    else if (got >= 0)
      error_at(error, ERROR_DATA, path, 0, 0, "became shorter while it was being copied");
    done = done && got == (int64_t)now;
    at += now;
  }
  free(buffer);
  return done;
}

bool writer_copy(struct writer *writer, int from, uint64_t size, const char *path,
                 struct error *error) {
  uint64_t at = 0;
  if (writer->checksum) return copy_by_hand(writer, from, 0, size, path, error);
  while (at < size) {
    off_t offset = (off_t)at;
    size_t now = size - at < SSIZE_MAX ? (size_t)(size - at) : SSIZE_MAX;
    ssize_t copied = copy_file_range(from, &offset, writer->descriptor, NULL, now, 0);
    if (copied < 0 && errno == EINTR) continue;
    if (copied < 0 && (errno == ENOSPC || errno == EIO || errno == EDQUOT || errno == EFBIG)) {
      error_errno(error, "writing", name_of(writer));
      return false;
    }
    if (copied <= 0) return copy_by_hand(writer, from, at, size, path, error);
    at += (uint64_t)copied;
    writer->size += (uint64_t)copied;
  }
  return true;
}

/* A pipe or terminal cannot be flushed, and need not be. */
static bool flush(struct writer *writer, struct error *error) {
  if (fsync(writer->descriptor) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP)
    return true;
  error_errno(error, "flushing", name_of(writer));
  return false;
}

bool writer_finish(struct writer *writer, struct error *error) {
  bool done = writer->packing == READER_PLAIN || compress(writer, "", 0, true, error);
  done = done && flush(writer, error);
  if (close(writer->descriptor) != 0 && done) {
    error_errno(error, "closing", name_of(writer));
    done = false;
  }
  writer->descriptor = -1;
  return done;
}

bool writer_publish(struct writer *writer, struct error *error) {
  int descriptor;
  if (!writer->path) return true;
  descriptor = open(writer->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) {
    error_errno(error, "opening", writer->path);
    return false;
  }
  writer->published = file_publish(descriptor, writer->path, writer->target, error);
  close(descriptor);
  return writer->published;
}

uint64_t writer_size(const struct writer *writer) {
  return writer->size;
}

uint32_t writer_crc(const struct writer *writer) {
  return writer->crc;
}

const char *writer_target(const struct writer *writer) {
  return writer->target;
}

const char *writer_path(const struct writer *writer) {
  return writer->path;
}

void writer_free(struct writer *writer) {
  if (!writer) return;
  if (writer->descriptor >= 0) close(writer->descriptor);
  if (writer->path && !writer->published) unlink(writer->path);
  ZSTD_freeCCtx(writer->zstd);
  free(writer->gzip_memory);
  free(writer->gzip);
  free(writer->out);
  free(writer->path);
  free(writer->target);
  free(writer);
}

/* }================================================================== */
