# With ONMAL_UNITY the test framework, which takes longer to read than most tests to compile, is read once for all tests.
# Floors gain nothing from it: what they read of the standard library is about what loading it precompiled costs, and a
# header that is precompiled no longer heeds macros set before it. Whether every file includes what it uses shows without it.

# A program of tests; nothing without ONMAL_UNITY.
function(onmal_precompile target)
  if(TARGET onmal_precompiled_tests)
    target_precompile_headers(${target} REUSE_FROM onmal_precompiled_tests)
    # Tests run for seconds and compile for minutes. GCC 12 takes strings that are put together for writes out of bounds
    # where their header is precompiled; builds without it see these warnings as errors.
    target_compile_options(${target} PRIVATE ${ONMAL_TEST_OPTIMIZATION} -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-maybe-uninitialized)
  endif()
endfunction()

set(ONMAL_TEST_OPTIMIZATION -O1)
if(ONMAL_SANITIZE)
  set(ONMAL_TEST_OPTIMIZATION) # as the preset says
endif()
if(ONMAL_UNITY)
  if(ONMAL_BUILD_TESTS)
    # A program: its code is made for another place than a library's.
    file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cc "int main() {}\n")
    add_executable(onmal_precompiled_tests EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/precompiled.cc)
    target_compile_options(onmal_precompiled_tests PRIVATE ${ONMAL_TEST_OPTIMIZATION})
    target_link_libraries(onmal_precompiled_tests PRIVATE Threads::Threads GTest::gtest GTest::gmock)
    target_precompile_headers(onmal_precompiled_tests PRIVATE <gtest/gtest.h> <string> <vector>)
    onmal_warnings(onmal_precompiled_tests)
  endif()
endif()
