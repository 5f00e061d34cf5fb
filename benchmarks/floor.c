/* floor.c - what reading alone costs on this machine, without a thought about the content
 *
 *   floor read|lines|copy|writev FILE
 *
 * read     into one buffer
 * lines    and find each line's end
 * copy     and write to standard output
 * writev   and write it line by line, many lines a call, and flush it to the disk
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BUFFER = 1 << 19 };

static uint64_t count_lines(const char *text, const char *end) {
  uint64_t lines = 0;
  while (text < end && (text = memchr(text, '\n', (size_t)(end - text)))) {
    text++;
    lines++;
  }
  return lines;
}

enum { PIECES = 512 };

/* Writes the whole lines of text[0 .. size); returns how many bytes these are. */
static size_t write_lines(char *text, size_t size) {
  struct iovec pieces[PIECES];
  char *at = text, *end = text + size, *feed;
  int count = 0;
  while ((feed = memchr(at, '\n', (size_t)(end - at)))) {
    pieces[count++] = (struct iovec){at, (size_t)(feed + 1 - at)};
    at = feed + 1;
    if (count == PIECES && writev(STDOUT_FILENO, pieces, count) < 0) exit(1);
    if (count == PIECES) count = 0;
  }
  if (count > 0 && writev(STDOUT_FILENO, pieces, count) < 0) exit(1);
  return (size_t)(at - text);
}

static int write_by_lines(int file, char *buffer) {
  size_t have = 0;
  ssize_t got;
  while ((got = read(file, buffer + have, BUFFER - have)) > 0) {
    size_t used;
    have += (size_t)got;
    used = write_lines(buffer, have);
    have -= used;
    memmove(buffer, buffer + used, have);
  }
  fsync(STDOUT_FILENO);
  return got < 0 || have > 0;
}

int main(int argc, char **argv) {
  char *buffer = malloc(BUFFER);
  int file = argc == 3 ? open(argv[2], O_RDONLY) : -1;
  uint64_t lines = 0;
  ssize_t got;
  if (file < 0 || !buffer) return 2;
  if (argv[1][0] == 'w') return write_by_lines(file, buffer);
  while ((got = read(file, buffer, BUFFER)) > 0) {
    if (argv[1][0] == 'l') lines += count_lines(buffer, buffer + got);
    if (argv[1][0] == 'c' && write(STDOUT_FILENO, buffer, (size_t)got) != got) return 1;
  }
  if (argv[1][0] == 'l') printf("%llu\n", (unsigned long long)lines);
  return got < 0;
}
