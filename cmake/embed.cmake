# onmal_embed(TARGET HEADER FUNCTION FILE...): files as functions of TARGET that give their bytes, declared in HEADER. The
# assembler reads them, so that they cost no compile time; a file that is not there is empty.
function(onmal_embed target header)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded.cc)
  set(text "#include \"${header}\"\n\n")
  set(functions)
  set(files)
  while(ARGN)
    list(POP_FRONT ARGN name file)
    set(include)
    if(EXISTS ${file})
      list(APPEND files ${file})
      set(include ".incbin \\\"${file}\\\"\\n")
    endif()
    string(APPEND text
      "asm(\".pushsection .rodata\\nonmal_${name}:\\n${include}onmal_${name}_end:\\n.byte 0\\n.popsection\\n\");\n"
      "extern \"C\" const char onmal_${name}[], onmal_${name}_end[];\n")
    string(APPEND functions
      "std::string_view ${name}() {\n"
      "  return {onmal_${name}, static_cast<std::size_t>(onmal_${name}_end - onmal_${name})};\n}\n")
  endwhile()
  string(APPEND text "\nnamespace onmal {\n${functions}}  // namespace onmal\n")
  file(CONFIGURE OUTPUT ${source} CONTENT "${text}" @ONLY)
  target_sources(${target} PRIVATE ${source})
  set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON OBJECT_DEPENDS "${files}")
endfunction()
