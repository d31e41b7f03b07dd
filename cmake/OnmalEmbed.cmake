# onmal_embed(TARGET SOURCE FILES... ): files as bytes in a generated source of TARGET, by an assembler's .incbin, so that
# they cost no compile time. Each becomes onmal_embedded_<name> and onmal_embedded_<name>_end, dots as underscores.
function(onmal_embed target)
  set(assembly ${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded.S)
  set(text ".section .rodata\n")
  foreach(file ${ARGN})
    get_filename_component(name ${file} NAME)
    string(REPLACE "." "_" name ${name})
    string(APPEND text ".global onmal_embedded_${name}\n.global onmal_embedded_${name}_end\n"
      "onmal_embedded_${name}:\n.incbin \"${file}\"\nonmal_embedded_${name}_end:\n.byte 0\n")
  endforeach()
  string(APPEND text ".section .note.GNU-stack,\"\",%progbits\n")
  file(CONFIGURE OUTPUT ${assembly} CONTENT "${text}" @ONLY)
  set_source_files_properties(${assembly} PROPERTIES OBJECT_DEPENDS "${ARGN}" LANGUAGE ASM)
  target_sources(${target} PRIVATE ${assembly})
endfunction()
