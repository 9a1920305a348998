#include "tar.c"

#include <kvmguest.h>

KVMGUEST_TEST(archive_in_the_image_has_two_files)
{
    char name[NAME_SIZE];
    tar_init();
    KVMGUEST_ASSERT_EQUAL(tar_count(), 2);
    KVMGUEST_ASSERT_EQUAL(tar_name(0, name), 79);
    KVMGUEST_ASSERT_EQUAL(memcmp(name, "motd.txt", 9), 0);
    KVMGUEST_ASSERT_EQUAL(tar_name(1, name), 136);
    KVMGUEST_ASSERT_EQUAL(tar_name(2, name), -1);
    KVMGUEST_ASSERT_EQUAL(tar_name(-1, name), -1);
}

KVMGUEST_TEST(octal_digits_are_read_back)
{
    char digits[8];
    write_octal(digits, 7, 0644);
    digits[7] = 0;
    KVMGUEST_ASSERT_EQUAL(memcmp(digits, "0000644", 8), 0);
    KVMGUEST_ASSERT_EQUAL(parse_octal(digits, sizeof digits), 0644);
    KVMGUEST_ASSERT_EQUAL(parse_octal("17 9", 4), 017);
}

KVMGUEST_TEST(flushed_archive_is_unpacked_again)
{
    char data[FILE_SIZE];
    struct archive_info info;
    memset(data, 'x', sizeof data);
    tar_init();
    KVMGUEST_ASSERT_EQUAL(tar_write("full", data, sizeof data), 0);
    KVMGUEST_ASSERT_EQUAL(tar_write("empty", data, 0), 0);
    KVMGUEST_ASSERT_EQUAL(tar_write("motd.txt", "new", 3), 0);
    KVMGUEST_ASSERT_EQUAL(tar_flush(&info), 4);
    /* Four headers; one, one, two and no blocks of data; two blocks at the end. */
    KVMGUEST_ASSERT_EQUAL(info.size, 10 * BLOCK);
    memset(files, 0, sizeof files);
    tar_init();
    KVMGUEST_ASSERT_EQUAL(tar_count(), 4);
    KVMGUEST_ASSERT_EQUAL(tar_read("full", data, sizeof data), FILE_SIZE);
    KVMGUEST_ASSERT_EQUAL(data[FILE_SIZE - 1], 'x');
    KVMGUEST_ASSERT_EQUAL(tar_read("empty", data, sizeof data), 0);
    KVMGUEST_ASSERT_EQUAL(tar_read("motd.txt", data, sizeof data), 3);
    KVMGUEST_ASSERT_EQUAL(memcmp(data, "new", 3), 0);
}

KVMGUEST_TEST(full_file_system_takes_no_file_more_and_flushes)
{
    struct archive_info info;
    char name[] = "a";
    for (int i = 0; i < FILES; i++, name[0]++) {
        KVMGUEST_ASSERT_EQUAL(tar_write(name, "data", 4), 0);
    }
    KVMGUEST_ASSERT_EQUAL(tar_write(name, "data", 4), -1);
    KVMGUEST_ASSERT_EQUAL(tar_write("a", "again", 5), 0);
    KVMGUEST_ASSERT_EQUAL(tar_flush(&info), FILES);
    KVMGUEST_ASSERT(info.size <= ARCHIVE_SIZE);
}

KVMGUEST_TEST(what_does_not_fit_is_not_written)
{
    static char data[FILE_SIZE + 1];
    KVMGUEST_ASSERT_EQUAL(tar_write("big", data, sizeof data), -1);
    KVMGUEST_ASSERT_EQUAL(tar_write("sixteen_letters_", data, 1), -1);
    KVMGUEST_ASSERT_EQUAL(tar_write("", data, 1), -1);
    KVMGUEST_ASSERT_EQUAL(tar_count(), 0);
    KVMGUEST_ASSERT_EQUAL(tar_read("", data, 1), -1);
}
