# kernels/*.cc are ordinary; kernels/vector/*.cc are compiled once per instruction set, ONMAL_ISA naming the
# namespace, and chosen at run time (kernels/table.h).
onmal_floor(kernels USES base numeric EXCLUDE "/vector/")

# GCC 12 takes minutes to instrument one of these unrolled files for one instruction set. Without: what they read and
# write is only compared with the plain backend's results, in ops_test.
if(ONMAL_SANITIZE)
  file(GLOB unrolled_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/vector/int8*.cc)
  set_source_files_properties(${unrolled_sources} PROPERTIES COMPILE_OPTIONS -fno-sanitize=all)
endif()

function(onmal_kernel_isa isa)
  file(GLOB vector_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/vector/*.cc)
  onmal_kernel_objects(${isa} "${vector_sources}" ${ARGN})
endfunction()

function(onmal_kernel_objects isa sources)
  add_library(onmal_kernels_${isa} OBJECT ${sources})
  onmal_warnings(onmal_kernels_${isa})
  string(TOUPPER ${isa} upper)
  string(REGEX REPLACE "(BF16|VNNI|AHEAD)$" "" vectors ${upper})
  target_compile_definitions(onmal_kernels_${isa} PRIVATE ONMAL_ISA=${isa} ONMAL_ISA_${vectors}=1)
  # GCC 12's own AVX-512 headers trip this warning (its undefined vectors are meant to be undefined).
  if(isa MATCHES "avx512")
    target_compile_options(onmal_kernels_${isa} PRIVATE -Wno-maybe-uninitialized -Wno-uninitialized)
  endif()
  # Also in debug builds: an un-inlined vector is too slow to test with. Under sanitizers -O1 compiles in a third of the time.
  set(optimization -O3)
  if(ONMAL_SANITIZE)
    set(optimization -O1)
  endif()
  target_compile_options(onmal_kernels_${isa} PRIVATE ${optimization} -fno-math-errno -fno-trapping-math ${ARGN})
  target_include_directories(onmal_kernels_${isa} PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_sources(onmal_kernels PRIVATE $<TARGET_OBJECTS:onmal_kernels_${isa}>)
  target_compile_definitions(onmal_kernels PRIVATE ONMAL_HAVE_${upper}=1)
endfunction()

onmal_kernel_isa(baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  file(GLOB avx2_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/vector/*.cc
       ${CMAKE_CURRENT_SOURCE_DIR}/kernels/vector/avx2/*.cc)
  onmal_kernel_objects(avx2 "${avx2_sources}" -mavx2 -mfma -mf16c)
  # Checks of code that cannot run here only take time.
  set(kernels_avx512 ON)
  if(ONMAL_SANITIZE AND EXISTS /proc/cpuinfo)
    file(STRINGS /proc/cpuinfo avx512_cores REGEX "^flags.* avx512bw" LIMIT_COUNT 1)
    if(NOT avx512_cores)
      set(kernels_avx512 OFF)
    endif()
  endif()
endif()
if(kernels_avx512)
  onmal_kernel_isa(avx512 -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
  # The few kernels that use one instruction set's extras, on the vectors of that set.
  file(GLOB bf16_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/vector/avx512bf16/*.cc)
  list(APPEND bf16_sources kernels/vector/dequantize.cc)
  onmal_kernel_objects(avx512bf16 "${bf16_sources}"
    -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512bf16 -mprefer-vector-width=512)
  onmal_kernel_objects(avx512ahead "kernels/vector/matvec.cc;kernels/vector/dequantize.cc"
    -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
  target_compile_definitions(onmal_kernels_avx512ahead PRIVATE ONMAL_READS_AHEAD=1)
  file(GLOB vnni_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/vector/avx512vnni/*.cc)
  onmal_kernel_objects(avx512vnni
    "${vnni_sources};kernels/vector/int8.cc;kernels/vector/int8_few.cc;kernels/vector/int8_packed.cc"
    -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mprefer-vector-width=512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  onmal_kernel_isa(neon)
endif()
