/* writer.c - see writer.h */
#include "dataset/bytes/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checksum.h"
#include "dataset/bytes/leftover.h"
#include "file.h"

enum {
  OUT_SIZE = 1 << 18,
  PIECES_AT_ONCE = 256,
  UTF16_AT_ONCE = 1 << 14,
  WRITE_MAX = 1 << 23,
  COPY_MAX = 1 << 24
};

struct writer {
  char *target, *path; /* `path`: the temporary file; NULL for standard output and into a spool */
  const char *spool;   /* the folder of the unnamed file for standard output; else NULL */
  struct spool *into;  /* NULL: a file */
  int descriptor;
  bool checksum, published, kept;
  struct task *task;
  const struct packing *packing; /* NULL: plain */
  enum encoding encoding;
  uint64_t size;
  uint32_t crc;
  void *encoder;      /* the packing's */
  unsigned char *out; /* what it makes */
};

static const char *name_of(const struct writer *writer) {
  return writer->path ? writer->path : writer->into ? writer->target : writer->spool;
}

/* {==================================================================
** Bytes
** =================================================================== */

static bool is_cancelled(const struct writer *writer, struct error *error) {
  if (!writer->task || !task_cancelled(writer->task)) return false;
  error_set(error, ERROR_CANCELLED, "writing %s was cancelled", writer->target);
  return true;
}

static void account(struct writer *writer, const void *bytes, size_t size) {
  writer->size += size;
  if (writer->checksum) writer->crc = checksum_crc32c(writer->crc, bytes, size);
}

static bool put(struct writer *writer, const void *bytes, size_t size, struct error *error) {
  if (is_cancelled(writer, error)) return false;
  account(writer, bytes, size);
  if (writer->into) return spool_add(writer->into, bytes, size, error);
  return file_write(writer->descriptor, bytes, size, name_of(writer), error);
}

/* How many of the pieces are written between checks for cancellation. */
static size_t some_of(const struct iovec *pieces, size_t count) {
  size_t now = 0;
  for (size_t size = 0; now < count && size < WRITE_MAX; now++)
    size += pieces[now].iov_len;
  return now;
}

/* Continues after signals and short writes. The pieces are changed. */
static bool put_pieces(struct writer *writer, struct iovec *pieces, size_t count,
                       struct error *error) {
  size_t i = 0;
  while (i < count) {
    size_t now = some_of(pieces + i, count - i), whole = pieces[i].iov_len, left;
    ssize_t written;
    if (is_cancelled(writer, error)) return false;
    if (whole > WRITE_MAX) pieces[i].iov_len = WRITE_MAX; /* it is the only one then */
    written = writev(writer->descriptor, pieces + i, (int)now);
    pieces[i].iov_len = whole;
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
  for (size_t i = 0; writer->into && i < count; i++)
    if (!put(writer, pieces[i].iov_base, pieces[i].iov_len, error)) return false;
  if (writer->into) return true;
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

/* Packs text[0 .. size); with `last` also the end of the packing is written. */
static bool pack(struct writer *writer, const void *text, size_t size, bool last,
                 struct error *error) {
  struct packing_buffers buffers = {.in = text, .in_size = size, .last = last};
  enum packing_step step = PACKING_MORE;
  while (step == PACKING_MORE) {
    buffers.out = writer->out;
    buffers.out_size = OUT_SIZE;
    step = writer->packing->encode(writer->encoder, &buffers);
    if (step == PACKING_NO_MEMORY) return error_memory(error, "writing %s", writer->target);
    if (step != PACKING_MORE && step != PACKING_DONE) {
      error_at(error, ERROR_IO, name_of(writer), 0, 0, "compressing it with %s failed",
               writer->packing->name);
      return false;
    }
    if (!put(writer, writer->out, OUT_SIZE - buffers.out_size, error)) return false;
  }
  return true;
}

/* }================================================================== */

/* {==================================================================
** Writers
** =================================================================== */

static bool open_packing(struct writer *writer, const struct writer_options *options) {
  const struct packing *packing = options->packing;
  int level = options->level;
  if (!packing) return true;
  if (level == 0) level = packing->level;
  writer->packing = packing;
  writer->out = malloc(OUT_SIZE);
  writer->encoder = packing->encoder_new(level, options->threads);
  return writer->out && writer->encoder;
}

/* Only root may change a file's owner; for others it stays theirs. */
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

/* A plain file whose last line has no line end gets one before anything is appended. */
static bool end_line(struct writer *writer, int old, uint64_t size, struct error *error) {
  char last = '\n';
  if (size == 0 || writer->packing) return true;
  if (file_read(old, &last, 1, size - 1, writer->target, error) < 0) return false;
  return last == '\n' || put(writer, "\n", 1, error);
}

static bool copy_old(struct writer *writer, struct error *error) {
  struct stat status;
  int old;
  bool done;
  if (access(writer->target, F_OK) != 0 && errno == ENOENT) return true;
  old = file_open(writer->target, &status, error);
  if (old < 0) return false;
  done = take_after(writer, &status, true, error) &&
         writer_copy(writer, old, (uint64_t)status.st_size, writer->target, error) &&
         end_line(writer, old, (uint64_t)status.st_size, error);
  close(old);
  return done;
}

/* An unnamed file for what goes to standard output, which must be open. */
static bool open_spool(struct writer *writer, struct error *error) {
  char path[PATH_MAX];
  const char *folder = getenv("TMPDIR");
  writer->spool = folder && *folder && strlen(folder) < PATH_MAX - 32 ? folder : "/tmp";
  if (fcntl(STDOUT_FILENO, F_GETFL) < 0) {
    error_errno(error, "opening", "standard output");
    return false;
  }
  snprintf(path, sizeof path, "%s/xcompliance.XXXXXX", writer->spool);
  writer->descriptor = mkostemp(path, O_CLOEXEC);
  if (writer->descriptor >= 0 && unlink(path) == 0) return true;
  error_errno(error, "making a temporary file in", writer->spool);
  return false;
}

static bool open_output(struct writer *writer, const struct writer_options *options,
                        struct error *error) {
  writer->into = options->into;
  if (writer->into) return true;
  if (strcmp(options->target, "-") == 0) return open_spool(writer, error);
  writer->descriptor = leftover_create_beside(writer->target, &writer->path, error);
  if (writer->descriptor < 0) return false;
  if (options->like && !take_after(writer, options->like, options->owner, error)) return false;
  return !options->append || copy_old(writer, error);
}

struct writer *writer_open(const struct writer_options *options, struct error *error) {
  struct writer *writer = calloc(1, sizeof *writer);
  if (!writer) {
    error_memory(error, "writing %s", options->target);
    return NULL;
  }
  writer->descriptor = -1;
  writer->checksum = options->checksum;
  writer->encoding = options->encoding;
  writer->task = options->task;
  writer->target = strdup(options->target);
  if (!writer->target || !open_packing(writer, options)) {
    error_memory(error, "writing %s", options->target);
  } else if (open_output(writer, options, error)) {
    return writer;
  }
  writer_free(writer);
  return NULL;
}

static bool write_bytes(struct writer *writer, const struct iovec *pieces, size_t count,
                        struct error *error) {
  if (!writer->packing) return write_plain(writer, pieces, count, error);
  for (size_t i = 0; i < count; i++)
    if (pieces[i].iov_len > 0 && !pack(writer, pieces[i].iov_base, pieces[i].iov_len, false, error))
      return false;
  return true;
}

/* Writes a text as UTF-16. */
static bool write_utf16(struct writer *writer, const char *text, size_t size, struct error *error) {
  char wide[2 * UTF16_AT_ONCE];
  while (size > 0) {
    size_t used = size < UTF16_AT_ONCE ? size : UTF16_AT_ONCE;
    size_t made = utf16_encode(writer->encoding, text, &used, wide);
    const struct iovec piece = {wide, made};
    if (used == 0) { /* which is no whole character */
      error_set(error, ERROR_INTERNAL, "writing %s: the text ends in the middle of a character",
                writer->target);
      return false;
    }
    if (!write_bytes(writer, &piece, 1, error)) return false;
    text += used;
    size -= used;
  }
  return true;
}

bool writer_write(struct writer *writer, const struct iovec *pieces, size_t count,
                  struct error *error) {
  if (writer->encoding == ENCODING_UTF8) return write_bytes(writer, pieces, count, error);
  for (size_t i = 0; i < count; i++)
    if (!write_utf16(writer, pieces[i].iov_base, pieces[i].iov_len, error)) return false;
  return true;
}

/* Through memory: if the bytes must be read, or the kernel cannot copy between these files. */
static bool copy_by_hand(struct writer *writer, int from, uint64_t at, uint64_t size,
                         const char *path, struct error *error) {
  char *buffer = malloc(OUT_SIZE);
  bool done = buffer != NULL;
  if (!done) error_memory(error, "writing %s", writer->target);
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
    size_t now = size - at < COPY_MAX ? (size_t)(size - at) : COPY_MAX;
    ssize_t copied = copy_file_range(from, &offset, writer->descriptor, NULL, now, 0);
    if (is_cancelled(writer, error)) return false;
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

static bool flush(struct writer *writer, struct error *error) {
  if (fsync(writer->descriptor) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP)
    return true;
  error_errno(error, "flushing", name_of(writer));
  return false;
}

bool writer_finish(struct writer *writer, struct error *error) {
  bool done = !writer->packing || pack(writer, "", 0, true, error);
  if (writer->into || writer->spool) return done;
  done = done && flush(writer, error);
  if (close(writer->descriptor) != 0 && done) {
    error_errno(error, "closing", name_of(writer));
    done = false;
  }
  writer->descriptor = -1;
  return done;
}

/* Standard output gets all of it at once. */
static bool publish_spool(struct writer *writer, struct error *error) {
  char *buffer = malloc(OUT_SIZE);
  uint64_t at = 0;
  int64_t got = 1;
  if (!buffer) return error_memory(error, "writing %s", writer->target);
  while (got > 0) {
    got = file_read(writer->descriptor, buffer, OUT_SIZE, at, writer->spool, error);
    if (got > 0 && !file_write(STDOUT_FILENO, buffer, (size_t)got, "standard output", error))
      got = -1;
    at += got > 0 ? (uint64_t)got : 0;
  }
  free(buffer);
  return got == 0;
}

bool writer_publish(struct writer *writer, struct error *error) {
  int descriptor;
  if (writer->spool) return publish_spool(writer, error);
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

void writer_keep(struct writer *writer) {
  writer->kept = true;
}

void writer_free(struct writer *writer) {
  if (!writer) return;
  if (writer->descriptor >= 0) close(writer->descriptor);
  if (writer->path && !writer->published && !writer->kept) unlink(writer->path);
  if (writer->packing) writer->packing->encoder_free(writer->encoder);
  free(writer->out);
  free(writer->path);
  free(writer->target);
  free(writer);
}

/* }================================================================== */
