/* Clients' memory files within the module's window. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "forwarder.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)
#define PAGE 4096u
/* Of st_blocks. */
#define BLOCK 512u

/* Ends at 4 GiB, where addresses of the module end. */
static bool fits(uint64_t size, uint32_t address)
{
    return size > 0 && address % PAGE == 0 && address >= gz_forwarder.memory_size &&
        address + size <= UINT32_MAX - PAGE;
}

int gz_map(int fd, uint64_t size, uint32_t address)
{
    uint8_t *at = gz_forwarder.env.memory.data + address;
    struct statfs system;
    struct stat file;
    int seals = fcntl(fd, F_GET_SEALS);

    if (!fits(size, address))
        return -EINVAL;
    /* Huge pages could be missing when they are touched. */
    if (seals < 0 || (seals & SEALS) != SEALS || fstatfs(fd, &system) != 0 || system.f_type != TMPFS_MAGIC)
        return -EPERM;
    if (fstat(fd, &file) != 0 || (uint64_t)file.st_size != size)
        return -EPERM;
    /* What nobody has touched would be charged to who does so first: to us. */
    if ((uint64_t)file.st_blocks * BLOCK < size)
        return -ENODATA;
    if (mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0) != MAP_FAILED)
        return 0;
    int reason = errno;

    gz_unmap(size, address);
    return -reason;
}

int gz_unmap(uint64_t size, uint32_t address)
{
    if (!fits(size, address))
        return -EINVAL;
    void *at = mmap(gz_forwarder.env.memory.data + address, size, PROT_NONE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

    return at == MAP_FAILED ? -errno : 0;
}
