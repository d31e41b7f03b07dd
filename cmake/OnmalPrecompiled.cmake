# With ONMAL_UNITY the standard headers, which take half of a compiler's time here, are read once for all floors
# and once more, with the test framework, for all tests. Whether every file includes what it uses shows without it.
set(onmal_standard_headers <algorithm> <array> <charconv> <cmath> <cstdint> <cstring> <filesystem> <fstream> <functional>
  <map> <memory> <mutex> <numeric> <optional> <set> <span> <sstream> <stop_token> <string> <string_view> <thread>
  <unordered_map> <utility> <vector> <nlohmann/json.hpp>)

# onmal_precompile(TARGET onmal_precompiled): a floor. onmal_precompile(TARGET onmal_precompiled_tests): a program that tests.
function(onmal_precompile target headers)
  if(TARGET ${headers})
    target_precompile_headers(${target} REUSE_FROM ${headers})
    # GCC 12 takes strings that are put together for writes out of bounds where their header is precompiled; builds
    # without it see these warnings as errors.
    target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
    if(headers STREQUAL onmal_precompiled_tests)
      # Tests run for seconds and compile for minutes.
      target_compile_options(${target} PRIVATE -O1)
    endif()
  endif()
endfunction()

if(ONMAL_UNITY)
  file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cc "int main() {}\n")
  add_library(onmal_precompiled STATIC ${CMAKE_BINARY_DIR}/precompiled.cc)
  target_link_libraries(onmal_precompiled PRIVATE Threads::Threads)
  target_precompile_headers(onmal_precompiled PRIVATE ${onmal_standard_headers})
  onmal_warnings(onmal_precompiled)
  if(ONMAL_BUILD_TESTS)
    # A program: its code is made for another place than a library's.
    add_executable(onmal_precompiled_tests EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/precompiled.cc)
    target_compile_options(onmal_precompiled_tests PRIVATE -O1)
    target_link_libraries(onmal_precompiled_tests PRIVATE Threads::Threads GTest::gtest GTest::gmock)
    target_precompile_headers(onmal_precompiled_tests PRIVATE ${onmal_standard_headers} <gtest/gtest.h>)
    onmal_warnings(onmal_precompiled_tests)
  endif()
  find_program(LLD ld.lld)
  if(LLD)
    add_link_options(-fuse-ld=lld)
  endif()
endif()
