/* address.c - see address.h */
#include "http/address.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#define IPV4(a, b, c) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8)

static const struct {
  uint32_t network;
  int bits;
} SPECIAL[] = {
    {IPV4(0, 0, 0), 8},     {IPV4(10, 0, 0), 8},      {IPV4(100, 64, 0), 10},
    {IPV4(127, 0, 0), 8},   {IPV4(169, 254, 0), 16},  {IPV4(172, 16, 0), 12},
    {IPV4(192, 0, 0), 24},  {IPV4(192, 0, 2), 24},    {IPV4(192, 168, 0), 16},
    {IPV4(198, 18, 0), 15}, {IPV4(198, 51, 100), 24}, {IPV4(203, 0, 113), 24},
    {IPV4(224, 0, 0), 3}, /* multicast and reserved */
};

static bool is_public_v4(const unsigned char *a) {
  uint32_t address = IPV4(a[0], a[1], a[2]) | a[3];
  for (size_t i = 0; i < sizeof SPECIAL / sizeof *SPECIAL; i++)
    if ((address ^ SPECIAL[i].network) >> (32 - SPECIAL[i].bits) == 0) return false;
  return true;
}

static bool begins_with(const unsigned char *a, const char *prefix, size_t size) {
  return memcmp(a, prefix, size) == 0;
}

static bool is_public_v6(const unsigned char *a) {
  static const char mapped[] = "\0\0\0\0\0\0\0\0\0\0\xff\xff",
                    nat64[] = "\0\x64\xff\x9b\0\0\0\0\0\0\0\0";
  if (begins_with(a, mapped, 12) || begins_with(a, nat64, 12)) return is_public_v4(a + 12);
  if (begins_with(a, "\x20\x02", 2)) return is_public_v4(a + 2);
  if (begins_with(a, "\x20\x01\x0d\xb8", 4)) return false; /* documentation */
  return (a[0] & 0xe0) == 0x20;                            /* global unicast, 2000::/3 */
}

bool address_is_public(const struct sockaddr *address) {
  if (address->sa_family == AF_INET)
    return is_public_v4(
        (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr);
  if (address->sa_family == AF_INET6)
    return is_public_v6(((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr);
  return false;
}
