[
  inputs: ["mix.exs", ".formatter.exs", "{lib,test,config,bin}/**/*.{ex,exs}"]
]
